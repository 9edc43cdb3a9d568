//! Character sets, by the labels that Python knows, and the decoders of those that forms are sent in.

use std::borrow::Cow;

/// A character set that Python knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// ISO 8859-15.
    Latin9,
    /// Windows-1252.
    Windows1252,
    /// UTF-16 with a byte order mark, or little-endian without one.
    Utf16,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// One that is not decoded here.
    Other,
}

impl Charset {
    /// The character set of a label; `None` where Python knows none, so that Django takes no notice of the label.
    ///
    /// ```
    /// use auth_proto_zulip::decode::charset::Charset;
    /// assert_eq!(Charset::of_label("UTF-8"), Some(Charset::Utf8));
    /// assert_eq!(Charset::of_label("koi8-r"), Some(Charset::Other));
    /// assert_eq!(Charset::of_label("nosuch"), None);
    /// ```
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        let label = normalized(label);
        let without_dots = label.replace('.', "_");
        let is_meant = |known: &str| known == label || known == without_dots;
        let lists = |labels: &str| labels.split_ascii_whitespace().any(is_meant);
        let decoded = DECODED.iter().find(|(_, labels)| lists(labels)).map(|(charset, _)| *charset);
        decoded.or_else(|| lists(OTHERS).then_some(Self::Other))
    }

    /// The text that bytes stand for, with U+FFFD for those that stand for none; `None` for [`Charset::Other`].
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        let each = |letter: fn(u8) -> char| Cow::Owned(bytes.iter().copied().map(letter).collect());
        Some(match self {
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Ascii => each(|byte| if byte.is_ascii() { char::from(byte) } else { '\u{FFFD}' }),
            Self::Latin1 => each(char::from),
            Self::Latin9 => each(latin9),
            Self::Windows1252 => each(windows1252),
            Self::Utf16 => match bytes {
                [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
                [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
                _ => utf16(bytes, u16::from_le_bytes),
            },
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Self::Other => return None,
        })
    }
}

/// A label as Python compares it: in lower case, with a low line for each run of other characters than letters, digits and
/// dots.
fn normalized(label: &str) -> String {
    let mut normalized = String::with_capacity(label.len());
    for letter in label.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() || letter == '.' => normalized.push(letter),
            _ if normalized.is_empty() || normalized.ends_with('_') => {}
            _ => normalized.push('_'),
        }
    }
    normalized.truncate(normalized.trim_end_matches('_').len());
    normalized
}

fn latin9(byte: u8) -> char {
    match byte {
        0xA4 => '€',
        0xA6 => 'Š',
        0xA8 => 'š',
        0xB4 => 'Ž',
        0xB8 => 'ž',
        0xBC => 'Œ',
        0xBD => 'œ',
        0xBE => 'Ÿ',
        _ => char::from(byte),
    }
}

fn windows1252(byte: u8) -> char {
    /// The letters of 0x80 to 0x9F.
    #[rustfmt::skip]
    const LETTERS: [char; 32] = [
        '€', '\u{FFFD}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{FFFD}', 'Ž', '\u{FFFD}',
        '\u{FFFD}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{FFFD}', 'ž', 'Ÿ',
    ];
    let letter = byte.checked_sub(0x80).and_then(|at| LETTERS.get(usize::from(at)));
    letter.copied().unwrap_or_else(|| char::from(byte))
}

/// A half of a pair, and an odd byte at the end, are one U+FFFD each.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let (units, odd) = bytes.as_chunks::<2>();
    let letters = char::decode_utf16(units.iter().copied().map(unit));
    let mut text: String = letters.map(|letter| letter.unwrap_or('\u{FFFD}')).collect();
    text.extend((!odd.is_empty()).then_some('\u{FFFD}'));
    text.into()
}

/// The labels of the character sets that are decoded, normalized.
#[rustfmt::skip]
const DECODED: [(Charset, &str); 8] = [
    (Charset::Utf8, "cp65001 u8 utf utf8 utf8_ucs2 utf8_ucs4 utf_8"),
    (Charset::Ascii, "646 ansi_x3.4_1968 ansi_x3.4_1986 ansi_x3_4_1968 ascii cp367 csascii ibm367 iso646_us \
     iso_646.irv_1991 iso_ir_6 us us_ascii"),
    (Charset::Latin1, "8859 cp819 csisolatin1 ibm819 iso8859 iso8859_1 iso_8859_1 iso_8859_1_1987 iso_ir_100 l1 latin \
     latin1 latin_1"),
    (Charset::Latin9, "iso8859_15 iso_8859_15 l9 latin9"),
    (Charset::Windows1252, "1252 cp1252 windows_1252"),
    (Charset::Utf16, "u16 utf16 utf_16"),
    (Charset::Utf16Le, "unicodelittleunmarked utf_16_le utf_16le"),
    (Charset::Utf16Be, "unicodebigunmarked utf_16_be utf_16be"),
];

/// The labels of the others.
#[rustfmt::skip]
const OTHERS: &str = "\
    037 1026 1125 1140 1250 1251 1253 1254 1255 1256 1257 1258 273 424 437 500 775 850 852 855 857 858 \
    860 861 862 863 864 865 866 869 932 936 949 950 arabic asmo_708 base64 base64_codec base_64 big5 \
    big5_hkscs big5_tw big5hkscs bz2 bz2_codec charmap chinese cp037 cp1006 cp1026 cp1051 cp1125 cp1140 \
    cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp1361 cp154 cp273 cp424 cp437 cp500 cp720 \
    cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp866u \
    cp869 cp874 cp875 cp932 cp936 cp949 cp950 cp_gr cp_is csbig5 csibm037 csibm1026 csibm273 csibm424 \
    csibm500 csibm855 csibm857 csibm858 csibm860 csibm861 csibm863 csibm864 csibm865 csibm866 csibm869 \
    csiso2022jp csiso2022kr csiso58gb231280 csisolatin2 csisolatin3 csisolatin4 csisolatin5 csisolatin6 \
    csisolatinarabic csisolatincyrillic csisolatingreek csisolatinhebrew cskoi8r cspc775baltic \
    cspc850multilingual cspc862latinhebrew cspc8codepage437 cspcp852 csptcp154 csshiftjis cyrillic \
    cyrillic_asian ebcdic_cp_be ebcdic_cp_ca ebcdic_cp_ch ebcdic_cp_he ebcdic_cp_nl ebcdic_cp_us \
    ebcdic_cp_wt ecma_114 ecma_118 elot_928 euc_cn euc_jis2004 euc_jis_2004 euc_jisx0213 euc_jp euc_kr \
    euccn eucgb2312_cn eucjis2004 eucjisx0213 eucjp euckr gb18030 gb18030_2000 gb2312 gb2312_1980 \
    gb2312_80 gbk greek greek8 hebrew hex hex_codec hkscs hp_roman8 hz hz_gb hz_gb_2312 hzgb ibm037 \
    ibm039 ibm1026 ibm1051 ibm1125 ibm1140 ibm273 ibm424 ibm437 ibm500 ibm775 ibm850 ibm852 ibm855 \
    ibm857 ibm858 ibm860 ibm861 ibm862 ibm863 ibm864 ibm865 ibm866 ibm869 idna iso2022_jp iso2022_jp_1 \
    iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr iso2022jp iso2022jp_1 \
    iso2022jp_2 iso2022jp_2004 iso2022jp_3 iso2022jp_ext iso2022kr iso8859_10 iso8859_11 iso8859_13 \
    iso8859_14 iso8859_16 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 \
    iso8859_9 iso_2022_jp iso_2022_jp_1 iso_2022_jp_2 iso_2022_jp_2004 iso_2022_jp_3 iso_2022_jp_ext \
    iso_2022_kr iso_8859_10 iso_8859_10_1992 iso_8859_11 iso_8859_11_2001 iso_8859_13 iso_8859_14 \
    iso_8859_14_1998 iso_8859_16 iso_8859_16_2001 iso_8859_2 iso_8859_2_1987 iso_8859_3 iso_8859_3_1988 \
    iso_8859_4 iso_8859_4_1988 iso_8859_5 iso_8859_5_1988 iso_8859_6 iso_8859_6_1987 iso_8859_7 \
    iso_8859_7_1987 iso_8859_8 iso_8859_8_1988 iso_8859_9 iso_8859_9_1989 iso_celtic iso_ir_101 \
    iso_ir_109 iso_ir_110 iso_ir_126 iso_ir_127 iso_ir_138 iso_ir_144 iso_ir_148 iso_ir_157 iso_ir_166 \
    iso_ir_199 iso_ir_226 iso_ir_58 jisx0213 johab koi8_r koi8_t koi8_u korean ks_c_5601 ks_c_5601_1987 \
    ks_x_1001 ksc5601 ksx1001 kz1048 kz_1048 l10 l2 l3 l4 l5 l6 l7 l8 latin10 latin2 latin3 latin4 \
    latin5 latin6 latin7 latin8 mac_arabic mac_centeuro mac_croatian mac_cyrillic mac_farsi mac_greek \
    mac_iceland mac_latin2 mac_roman mac_romanian mac_turkish maccentraleurope maccyrillic macgreek \
    maciceland macintosh maclatin2 macroman macturkish ms1361 ms932 ms936 ms949 ms950 ms_kanji mskanji \
    palmos pt154 ptcp154 punycode quopri quopri_codec quoted_printable quotedprintable r8 \
    raw_unicode_escape rk1048 roman8 rot13 rot_13 ruscii s_jis s_jis_2004 s_jisx0213 shift_jis \
    shift_jis_2004 shift_jisx0213 shiftjis shiftjis2004 shiftjisx0213 sjis sjis_2004 sjisx0213 \
    strk1048_2002 thai tis620 tis_620 tis_620_0 tis_620_2529_0 tis_620_2529_1 u32 u7 u_jis uhc ujis \
    undefined unicode_1_1_utf_7 unicode_escape utf32 utf7 utf_32 utf_32_be utf_32_le utf_32be utf_32le \
    utf_7 utf_8_sig uu uu_codec windows_1250 windows_1251 windows_1253 windows_1254 windows_1255 \
    windows_1256 windows_1257 windows_1258 x_mac_japanese x_mac_korean x_mac_simp_chinese \
    x_mac_trad_chinese zip zlib zlib_codec";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_are_compared_as_python_compares_them() {
        for (label, charset) in [
            ("utf-8", Some(Charset::Utf8)),
            ("UTF8", Some(Charset::Utf8)),
            ("utf_8", Some(Charset::Utf8)),
            ("U8", Some(Charset::Utf8)),
            ("utf--8", Some(Charset::Utf8)),
            ("cp65001", Some(Charset::Utf8)),
            ("utf-8-sig", Some(Charset::Other)),
            ("ISO-8859-1", Some(Charset::Latin1)),
            ("iso8859-15", Some(Charset::Latin9)),
            ("iso.8859.1", Some(Charset::Latin1)),
            ("windows-1252", Some(Charset::Windows1252)),
            ("us-ascii", Some(Charset::Ascii)),
            ("utf-16be", Some(Charset::Utf16Be)),
            ("iso-8859-5", Some(Charset::Other)),
            ("rot13", Some(Charset::Other)),
            ("utf8mb4", None),
            ("nosuch", None),
            ("", None),
        ] {
            assert_eq!(Charset::of_label(label), charset, "{label}");
        }
    }

    #[test]
    fn bytes_are_decoded_and_what_is_none_is_replaced() {
        for (charset, bytes, text) in [
            (Charset::Utf8, &b"p\xC3\xA4\xFF"[..], "pä\u{FFFD}"),
            (Charset::Ascii, b"p\xE4", "p\u{FFFD}"),
            (Charset::Latin1, b"p\xE4\x80", "pä\u{80}"),
            (Charset::Latin9, b"\xA4\xE4", "€ä"),
            (Charset::Windows1252, b"\x80\x81\xE4", "€\u{FFFD}ä"),
            (Charset::Utf16, b"\xFE\xFF\0a", "a"),
            (Charset::Utf16, b"a\0", "a"),
            (Charset::Utf16Le, b"a\0\x3D\xD8\0\xDE", "a😀"),
            (Charset::Utf16Be, b"\0a\xD8\x3D\0", "a\u{FFFD}\u{FFFD}"),
        ] {
            assert_eq!(charset.decode(bytes).as_deref(), Some(text), "{charset:?}");
        }
        assert_eq!(Charset::Other.decode(b"a"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded(label in ".*", bytes: Vec<u8>) {
            let charset = Charset::of_label(&label).unwrap_or(Charset::Utf16);
            prop_assert_eq!(charset.decode(&bytes).is_none(), charset == Charset::Other);
        }
    }
}
