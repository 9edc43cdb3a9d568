//! The configuration file: mistakes in it, values that are warned of, defaults, the environment, and `config check`.

use auth_server::config::Config;

use crate::workspace::{Workspace, arguments};

/// Sections without which there are warnings.
const NO_WARNING: &str =
    "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[zulip]\nexternal_host = \"chat.example.org\"";

/// What is said of the cheap hashes that the tests use.
const CHEAP: &str = "warning: [passwords] memory_kib = 64, iterations = 2: whoever steals the store guesses passwords \
                     cheaply; OWASP advises 19456 and 2 at least\n";

/// What `config check` prints, without the warning of cheap hashes.
fn check(workspace: &Workspace) -> String {
    let told = workspace.succeed(&arguments("config check"), "");
    assert!(told.contains(CHEAP), "{told}");
    told.replace(CHEAP, "")
}

#[test]
fn configuration_mistakes_are_reported_with_section_or_line() {
    let workspace = Workspace::new();
    let closed = "[zulip]\nenabled = false\n[rocketchat]\nenabled = false\n[zettelstore]\nenabled = false";
    for (more, said) in [
        ("[server]\nlisten = []", "[server] listen is empty: name an address such as \"127.0.0.1:8080\""),
        (
            "[server]\nlisten = [{ address = \"127.0.0.1:80\", protocols = [\"smtp\"] }]",
            "[server] listen: there is no protocol `smtp`",
        ),
        ("[server]\nliste = []", "auth.toml, line 8: [server] unknown field `liste`, expected one of"),
        (closed, "no protocol is enabled: set enabled = true for one of them"),
        ("[zulip]\nexact = [\"carelessness\"]", "[zulip] exact: there is no point `carelessness`"),
        (
            "[zulip]\nlogin_limit = \"sometimes\"",
            "auth.toml, line 8: [zulip] login_limit: \"sometimes\" is not \"off\" or { attempts = 5",
        ),
        (
            "[zulip]\nlogin_limit = { attempts = 0, window = \"1m\" }",
            "auth.toml, line 8: [zulip] login_limit.attempts: 0 is not a number greater than zero",
        ),
        (
            "[zettelstore]\ntoken_lifetime = \"long\"",
            "auth.toml, line 8: [zettelstore] token_lifetime: \"long\" is not a duration, which is written like",
        ),
        ("[zulip.jwt.main]\nalgorithms = [\"HS256\"]", "[zulip.jwt.main] needs either key or key_file"),
        (
            "[zulip.jwt.main]\nkey = \"k\"\nalgorithms = [\"none\"]",
            "[zulip.jwt.main] algorithms: \"none\" is not \"HS256\", \"HS384\" or \"HS512\"",
        ),
        (
            "[server]\nlisten = [\"0.0.0.0:80\"]\n[zulip]\ndevelopment = true",
            "[zulip] development lets anybody log in by name",
        ),
        (
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[zulip]\ndevelopment = true",
            "[zulip] development lets anybody log in by name, and is not for clients behind a proxy: empty [server] \
             trusted_proxies",
        ),
        (
            "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]",
            "auth.toml, line 8: [server] trusted_proxies: \"0.0.0.0/0\" is everybody",
        ),
        (
            "[server]\ntrusted_proxies = [\"::/0\"]",
            "auth.toml, line 8: [server] trusted_proxies: \"::/0\" is everybody",
        ),
        (
            "[server]\ntrusted_proxies = [\"proxy\"]",
            "auth.toml, line 8: [server] trusted_proxies: \"proxy\" is not an address or a network",
        ),
        (
            "[server]\nclient_header = \"X-Real-IP\"",
            "auth.toml, line 8: [server] client_header: \"X-Real-IP\" is not \"X-Forwarded-For\" or \"Forwarded\"",
        ),
        (
            "failure_grid = \"never\"",
            "auth.toml, line 7: [passwords] failure_grid: \"never\" is not \"auto\", \"off\", or a width",
        ),
        ("failure_grid = \"0s\"", "auth.toml, line 7: [passwords] failure_grid: \"0s\" is not"),
        ("failure_grid = \"6s\"", "auth.toml, line 7: [passwords] failure_grid: \"6s\" is not"),
        ("lanes = 9", "[passwords] memory_kib, iterations, lanes: "),
        ("[store", "auth.toml, line 7: "),
    ] {
        workspace.configure(more);
        let told = workspace.fail_with(78, &arguments("config check"), "");
        assert!(told.starts_with(said), "{more}: {told}");
    }
    for width in ["auto", "off", "200ms", "5s"] {
        workspace.configure(&format!("failure_grid = \"{width}\""));
        workspace.succeed(&arguments("config check"), "");
    }
    for key in ["protocols", "doors"] {
        workspace.configure(&format!(
            "[server]\nlisten = [{{ address = \"127.0.0.1:80\", {key} = [\"zulip\"] }}]"
        ));
        workspace.succeed(&arguments("config check"), "");
    }
    workspace
        .configure(&format!("{NO_WARNING}\n[zulip.jwt.main]\nkey = \"short\"\nalgorithms = [\"HS256\"]"));
    let told = check(&workspace);
    let warning = "warning: [zulip.jwt.main] key: shorter than 32 bytes";
    assert_eq!(told, format!("{warning}\ngood: protocols zulip, rocketchat, zettelstore\n"));
}

/// Every key that may hold a secret: the lines before it, its section, and its name.
const SECRET_KEYS: [(&str, &str, &str); 6] = [
    ("", "store", "url"),
    ("", "store", "password"),
    ("from = \"a@example.org\"", "mail", "smtp"),
    ("", "rocketchat", "create_token_secret"),
    ("algorithms = [\"HS256\"]", "zulip.jwt.main", "key"),
    ("base = \"dc=x\"", "ldap.corp", "bind_password"),
];

/// What may be wrong with a line that sets a secret, from after the key on.
const SECRET_MISTAKES: [&str; 20] = [
    "= 8725309",
    "= 87253.09",
    "= -8725309",
    "= [\"8725309\"]",
    "= { a = 8725309 }",
    "= 8725309x",
    "= 8725309 x",
    "= hunter8725309",
    "= 8725-30-9",
    "= 99998725309999999999999",
    "= \"8725309",
    "= '8725309",
    "= \"\"\"8725309",
    "= \"8725309\" x",
    "= \"8725309\\q\"",
    "= \"8725309\u{1}\"",
    "8725309",
    ".a = 8725309",
    "= \"a\"\nb = 8725309",
    "=\n8725309",
];

#[test]
fn no_configuration_error_shows_the_value_of_a_key_that_may_hold_a_secret() {
    let workspace = Workspace::new();
    for (before, section, key) in SECRET_KEYS {
        let load = |line: &str, overrides: &[(String, String)]| {
            workspace.write("secret.toml", &format!("[{section}]\n{before}\n{line}\n"));
            Config::load(&workspace.path("secret.toml"), overrides).unwrap_err().to_string()
        };
        for mistake in SECRET_MISTAKES {
            let told = load(&format!("{key} {mistake}"), &[]);
            assert!(!told.contains("8725"), "{section} {key} {mistake}: {told}");
        }
        for value in ["8725309", "87253.09", "[8725309]", "{ a = 8725309 }"] {
            let name = format!("{}__{key}", section.replace('.', "__")).to_uppercase();
            let told = load("", &[(name, value.to_owned())]);
            assert!(!told.contains("8725"), "{section} {key} from the environment, {value}: {told}");
        }
    }
}

#[test]
fn values_that_are_reduced_to_a_bound_are_warned_of() {
    let workspace = Workspace::new();
    for (setting, warning) in [
        ("token_lifetime = \"60m\"", ""),
        ("token_lifetime = \"0s\"", ""),
        (
            "token_lifetime = \"61m\"",
            "warning: [zettelstore] token_lifetime: reduced to the longest, an hour\n",
        ),
        ("session_lifetime = \"10m\"", ""),
        ("session_lifetime = \"9m\"", "warning: [zettelstore] session_lifetime: below token_lifetime\n"),
        ("login_delay = \"5s\"", ""),
        ("login_delay = \"6s\"", "warning: [zettelstore] login_delay: reduced to the longest, 5 s\n"),
    ] {
        workspace.configure(&format!("{NO_WARNING}\n[zettelstore]\n{setting}"));
        let told = check(&workspace);
        assert_eq!(told, format!("{warning}good: protocols zulip, rocketchat, zettelstore\n"), "{setting}");
    }
}

#[test]
fn loopback_without_a_trusted_proxy_and_a_missing_external_host_are_warned_of() {
    const PROXY: &str = "warning: [server] trusted_proxies: no proxy at 127.0.0.1 is trusted: behind a proxy on this machine, \
                         all clients count as one, and one of them can lock all out\n";
    const HOST: &str = "warning: [zulip] external_host is empty: clients are told addresses of whatever host a request names\n";
    let workspace = Workspace::new();
    for (sections, warnings) in [
        ("", format!("{PROXY}{HOST}")),
        ("[server]\ntrusted_proxies = [\"127.0.0.1\"]", HOST.to_owned()),
        ("[server]\nlisten = [\"192.0.2.1:80\"]", HOST.to_owned()),
        ("[zulip]\nexternal_host = \"chat.example.org\"", PROXY.to_owned()),
        ("[zulip]\ndevelopment = true", HOST.to_owned()),
        (NO_WARNING, String::new()),
    ] {
        workspace.configure(sections);
        let told = check(&workspace);
        assert_eq!(told, format!("{warnings}good: protocols zulip, rocketchat, zettelstore\n"), "{sections}");
    }
    workspace.configure("[zulip]\nenabled = false");
    let told = check(&workspace);
    assert_eq!(told, format!("{PROXY}good: protocols rocketchat, zettelstore\n"));
}

#[test]
fn printed_defaults_are_the_defaults() {
    let workspace = Workspace::new();
    workspace.write("default.toml", &workspace.succeed(&["config", "default"], ""));
    workspace.write("empty.toml", "");
    let given = format!("{:?}", Config::load(&workspace.path("default.toml"), &[]).unwrap());
    let silent = format!("{:?}", Config::load(&workspace.path("empty.toml"), &[]).unwrap());
    // The shared limits' defaults are the engine's.
    let limits = auth_engine::CommonQuotas::default();
    let printed = format!(
        "account: Some(On({:?})), network: Some(On({:?})), second_factor: Some(On({:?}))",
        limits.account, limits.client, limits.second_factor
    );
    assert_eq!(given, silent.replace("account: None, network: None, second_factor: None", &printed));
}

#[test]
fn environment_overrides_single_keys() {
    let workspace = Workspace::new();
    let load = |name: &str, value: &str| {
        Config::load(&workspace.path("auth.toml"), &[(name.to_owned(), value.to_owned())])
    };
    let config = load("ZULIP__EXTERNAL_HOST", "chat.example.org").unwrap();
    assert_eq!(config.zulip.external_host, "chat.example.org");
    assert_eq!(load("ZULIP__LOGIN_LIMIT", "\"off\"").unwrap().zulip.login_limit.quota(), None);
    let config = load("SERVER__LISTEN", "[\"127.0.0.1:9\"]").unwrap();
    assert_eq!(config.server.listen[0].address.tcp().unwrap().port(), 9);
    assert!(load("ZULIP__NOTHING", "1").unwrap_err().to_string().contains("unknown field"));
    assert!(load("ZULIP", "1").is_err());
}

/// Keys of every type with values that are none of theirs: sections, key, value, and the line that is said.
const NO_VALUES: [(&str, &str, &str); 43] = [
    (
        "server",
        "listen = [\"localhost:8080\"]",
        "\"localhost:8080\" is not an IP address and a port, such as \"127.0.0.1:8080\"",
    ),
    ("server", "listen = [\"127.0.0.1\"]", "\"127.0.0.1\" is not an IP address and a port"),
    ("server", "listen = [8080]", "8080 is not an IP address and a port"),
    ("server", "listen = \"127.0.0.1:80\"", "\"127.0.0.1:80\" is not a list in brackets"),
    ("server", "listen = [{ address = \"::1\", protocols = [] }]", "\"::1\" is not an IP address and a port"),
    ("server", "trusted_proxies = [\"localhost\"]", "\"localhost\" is not an address or a network such as"),
    ("server", "trusted_proxies = \"127.0.0.1\"", "\"127.0.0.1\" is not a list in brackets"),
    ("server", "max_connections = 0", "0 is not a number greater than zero"),
    ("server", "max_connections = -1", "-1 is not a whole number from 0 to 4294967295"),
    ("server", "max_connections = \"many\"", "\"many\" is not a whole number"),
    ("server", "max_per_client = 0", "0 is not a number greater than zero"),
    ("server", "header_timeout = \"0s\"", "\"0s\" is not a duration longer than nothing"),
    ("server", "body_timeout = 60", "60 is not a duration longer than nothing"),
    ("server", "body_memory_mib = 0", "0 is not a number greater than zero"),
    ("server", "core_dumps = \"no\"", "\"no\" is not true or false"),
    ("store", "connections = 0", "0 is not a number greater than zero"),
    ("store", "timeout = \"5 parsecs\"", "\"5 parsecs\" is not a duration"),
    ("limits", "shared = true", "true is not \"on\" or \"off\""),
    ("limits", "account = { attempts = 5, window = \"0s\" }", "\"0s\" is not a duration longer than nothing"),
    ("metrics", "listen = \"localhost:9100\"", "\"localhost:9100\" is not an IP address and a port"),
    ("log", "level = \"verbose\"", "\"verbose\" is not one of error, warn, info, debug, trace and off"),
    ("log", "level = 3", "3 is not one of error, warn, info, debug, trace and off"),
    ("log", "format = \"xml\"", "\"xml\" is not \"text\" or \"json\""),
    ("log", "max_attempts = 0", "0 is not a number greater than zero"),
    ("zulip", "exact = \"yes\"", "\"yes\" is not true, false or a list of points"),
    ("zulip", "exact = 1", "1 is not true, false or a list of points"),
    (
        "zulip",
        "external_host = \"https://chat.example.org\"",
        "is not a host name: write \"chat.example.org\"",
    ),
    ("zulip", "external_host = \"http://a@chat.example.org:8443/x?y\"", "write \"chat.example.org:8443\""),
    ("zulip", "external_host = \"chat.example.org/\"", "write \"chat.example.org\""),
    ("zulip", "external_host = \"*.example.org\"", "\"*.example.org\" is not a host name in ASCII such as"),
    ("zulip", "realm_hosts = { \"https://chat.example.net\" = \"sub\" }", "write \"chat.example.net\""),
    ("zulip", "realm = \"Main Realm\"", "\"Main Realm\" is not the slug of a realm"),
    ("zulip", "url_scheme = \"ftp\"", "\"ftp\" is not \"http\" or \"https\""),
    ("zulip", "version = \"\"", "\"\" is not a version such as \"12.0\""),
    ("rocketchat", "realm = \"\"", "\"\" is not the slug of a realm"),
    (
        "rocketchat",
        "site_url = \"chat.example.org\"",
        "\"chat.example.org\" is not an address such as \"https://chat.example.org\"",
    ),
    ("rocketchat", "site_url = \"https://chat.example.org?x=y\"", "is not an address such as"),
    ("rocketchat", "max_tokens = 0", "0 is not a number greater than zero"),
    ("rocketchat.password_policy", "min_length = \"ten\"", "\"ten\" is not a whole number"),
    ("zettelstore", "answer = \"xml\"", "\"xml\" is not \"json\" or \"list\""),
    ("zettelstore", "url_prefix = \"notes\"", "\"notes\" is not a path that begins and ends with a slash"),
    ("zettelstore", "max_request_size = 0", "0 is not a number greater than zero"),
    ("passwords", "interleave = 0", "0 is not a number greater than zero"),
];

#[test]
fn a_value_that_is_none_of_its_key_is_refused_with_key_value_and_form_in_one_line() {
    let workspace = Workspace::new();
    for (section, line, said) in NO_VALUES {
        let key = line.split(" = ").next().unwrap();
        workspace.write("auth.toml", &format!("[{section}]\n{line}\n"));
        let told = workspace.fail_with(78, &arguments("config check"), "");
        assert!(told.starts_with(&format!("auth.toml, line 2: [{section}] {key}")), "{line}: {told}");
        assert!(told.contains(said), "{line}: {told}");
        for words in ["untagged", "variant", "invalid", "u32"] {
            assert!(!told.contains(words), "{line}: {told}");
        }
    }
}

#[test]
fn a_value_of_the_environment_is_refused_by_the_name_of_its_variable() {
    let workspace = Workspace::new();
    for (name, value, said) in [
        ("SERVER__MAX_CONNECTIONS", "0", "0 is not a number greater than zero"),
        ("SERVER__LISTEN", "[\"localhost:80\"]", "\"localhost:80\" is not an IP address and a port"),
        ("ZULIP__VERSION", "12.0", "12.0 is not a version such as"),
        ("LOG__LEVEL", "verbose", "\"verbose\" is not one of error"),
        ("STORE__PASSWORD", "8725309", "an integer is not text in quotation marks"),
    ] {
        let overrides = [(name.to_owned(), value.to_owned())];
        let told = Config::load(&workspace.path("auth.toml"), &overrides).unwrap_err().to_string();
        assert!(told.contains(&format!(" with the environment: AUTH_SERVER__{name}: {said}")), "{told}");
    }
}

#[test]
fn settings_that_do_not_fit_each_other_are_refused_or_warned_of() {
    let workspace = Workspace::new();
    for (more, said) in [
        (
            "[server]\nlisten = [\"127.0.0.1:80\", \"127.0.0.1:80\"]",
            "[server] listen: 127.0.0.1:80 is there twice",
        ),
        (
            "[server]\nlisten = [\"127.0.0.1:80\"]\n[metrics]\nlisten = \"127.0.0.1:80\"",
            "[metrics] listen: 127.0.0.1:80 is in [server] listen too",
        ),
        (
            "[server]\nlisten = [{ address = \"127.0.0.1:80\", protocols = [\"zulip\"] }]\n[zulip]\nenabled = false",
            "[server] listen: none of the protocols at 127.0.0.1:80 is enabled",
        ),
        (
            "[rocketchat.password_policy]\nmin_length = 9\nmax_length = 8",
            "[rocketchat.password_policy] min_length is above max_length",
        ),
        ("workers = 100000", "[passwords] workers: 100000 is above 1024"),
    ] {
        workspace.configure(more);
        assert_eq!(workspace.fail_with(78, &arguments("config check"), ""), said, "{more}");
    }
    const MAIL: &str = "[mail]\nsmtp = \"smtp://localhost\"\nfrom = \"auth@example.org\"";
    const LEADS_HERE: &str = "warning: [rocketchat] site_url: mails will lead their readers to their own machines; set the \
                              address that clients reach the server by\n";
    for (site, warning) in [
        ("", LEADS_HERE),
        ("[rocketchat]\nsite_url = \"https://127.0.0.1:3000\"", LEADS_HERE),
        ("[rocketchat]\nsite_url = \"https://chat.example.org\"", ""),
        ("[rocketchat]\nenabled = false", ""),
    ] {
        workspace.configure(&format!("{NO_WARNING}\n{MAIL}\n{site}"));
        let told = check(&workspace);
        assert!(told.starts_with(&format!("{warning}good: ")), "{site}: {told}");
    }
    workspace.configure(&format!("queue = 0\n{NO_WARNING}"));
    let told = check(&workspace);
    assert!(
        told.starts_with("warning: [passwords] queue = 0: every login with a password is refused\ngood: "),
        "{told}"
    );
    for (memory_kib, iterations, is_cheap) in
        [(8, 2, true), (19_456, 1, true), (19_456, 2, false), (47_104, 1, false), (7_168, 5, false)]
    {
        let passwords = format!("[passwords]\nmemory_kib = {memory_kib}\niterations = {iterations}");
        workspace.write("auth.toml", &format!("{NO_WARNING}\n{passwords}"));
        let told = workspace.succeed(&arguments("config check"), "");
        assert_eq!(told.contains("warning: [passwords] memory_kib"), is_cheap, "{passwords}: {told}");
    }
}

#[test]
fn every_command_that_reads_a_bad_configuration_ends_with_the_exit_code_78() {
    let workspace = Workspace::new();
    workspace.write("bad.toml", "[server]\nlisten = [\"localhost:8080\"]\n");
    for line in [
        "config check",
        "config check --deep",
        "serve",
        "import users.jsonl",
        "export",
        "user list",
        "user add --name iago",
        "keys list",
        "token list iago",
        "backup copy.db",
        "restore copy.db",
        "explain",
        "store check",
        "ldap sync",
        "passwords tune",
        "dev seed --users 1",
    ] {
        for file in ["bad.toml", "missing.toml"] {
            let arguments: Vec<&str> = line.split(' ').chain(["--config", file]).collect();
            let told = workspace.fail_with(78, &arguments, "");
            assert!(told.starts_with(file), "{line}: {told}");
        }
    }
    assert_eq!(
        workspace.fail(&arguments("user list"), "").split(" yet: ").next(),
        Some("there is no store @/auth.db")
    );
}
