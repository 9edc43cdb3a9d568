use std::{sync::Arc, time::Instant};
use auth_core::*; use auth_store::Sqlite;
fn realm() -> Realm { Realm { id: RealmId::from_bytes([3;16]), slug:"main".into(), subdomain:None, name:"".into(), icon:"".into(), description:"".into(), active:true, password_login:true, digest_logins:false, strength:None, backends:vec![] } }
fn b(seed:u64)->[u8;16]{let mut x=[0;16];SeededRng::new(seed.wrapping_mul(0x9E3779B97F4A7C15)).fill(&mut x);x}
fn user(n:u64)->NewUser{ NewUser{ user:User{ id:UserId::from_bytes(b(n)), realm:realm().id, names:vec![LoginName{kind:NameKind::UserName,exact:format!("User{n}"),verified:false},LoginName{kind:NameKind::Email,exact:format!("user{n}@example.com"),verified:true}], full_name:format!("User Number {n}"), role:Role::Member, bot:None, active:true, joined:Timestamp::default(), valid_from:Timestamp::default(), email_second_factor:false, must_change_password:false, doors:DoorIds{zulip:0,rocketchat:format!("{:017}",n*7919),rocketchat_roles:None,zettelstore:20_000_000_000_000+n,zettelstore_role:None}, version:1}, assign_zulip_id:true, assign_zettelstore_id:true, password:Some(PasswordString::new("argon2$argon2id$v=19$m=19456,t=2,p=1$enVsaXBmaXh0dXJlc2FsdDAxMjM0NQ$KWLOGYLmf3fBD1r4tviIePo+Y7X6RI+BQhVFq3pCUJM")), credentials:vec![] } }
fn cred(u:u64,n:u64)->Credential{ let mut d=[0;32]; d[..16].copy_from_slice(&b(n+(1<<40))); Credential{id:CredentialId::from_bytes(b(n+(1<<41))),user:UserId::from_bytes(b(u)),kind:CredentialKind::RocketChatToken,digest:Some(Digest::new(d)),sealed:None,scope:Scope::default(),label:None,created:Timestamp::from_millis(n as i64),expires:Some(Timestamp::from_millis(n as i64+1_000_000)),last_used:None,counter:0}}
#[tokio::main(flavor="multi_thread",worker_threads=2)]
async fn main(){
    for count in std::env::args().skip(1).map(|a|a.parse::<u64>().unwrap()) {
    let dir=std::path::PathBuf::from(format!("/tmp/store-bench-db-{count}")); let _=std::fs::remove_dir_all(&dir); std::fs::create_dir(&dir).unwrap();
    let file=dir.join("s.db");
    let store=Arc::new(Sqlite::open(&file).unwrap());
    let t=Instant::now();
    let recs=std::iter::once(NewRecord::Realm(realm())).chain((0..count).map(|n|NewRecord::User(Box::new(user(n))))).map(Some);
    let r=store.import(Box::new(recs),ImportMode::Write).await.unwrap();
    println!("wal {} MiB", std::fs::metadata(dir.join("s.db-wal")).unwrap().len()>>20); println!("import {} users: {:.1?}; file {} MiB", r.users, t.elapsed(), std::fs::metadata(&file).unwrap().len()>>20);
    if std::env::var("ONLY").is_ok() { println!("{}", std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l|l.starts_with("VmHWM")).unwrap()); return; } drop(store); let t=Instant::now(); let store=Arc::new(Sqlite::open(&file).unwrap()); println!("reopen {:?}",t.elapsed());
    let m=50_000u64;
    for pass in 0..2 { let t=Instant::now(); let mut lat=vec![];
      for i in 0..m { let n=b(i+pass*77)[0..8].iter().fold(0u64,|a,x|a<<8|*x as u64)%count; let t=Instant::now(); let a=store.find(realm().id,&Lookup::Name(NameKind::Email,&format!("USER{n}@example.com"))).await.unwrap(); assert!(a.is_some()); lat.push(t.elapsed()); }
      lat.sort(); println!("find by e-mail, one after another, pass {pass}: {:.1} µs mean, p50 {:.1?} p99 {:.1?}", t.elapsed().as_micros() as f64/m as f64, lat[lat.len()/2], lat[lat.len()*99/100]); }
    let t=Instant::now(); let tasks:Vec<_>=(0..16).map(|k|{let store=store.clone(); tokio::spawn(async move{ for i in 0..m/16 { let n=b(i*16+k)[0..8].iter().fold(0u64,|a,x|a<<8|*x as u64)%count; assert!(store.find(realm().id,&Lookup::Name(NameKind::UserName,&format!("User{n}"))).await.unwrap().is_some()); } })}).collect(); for t in tasks{t.await.unwrap();}
    println!("find by name, 16 tasks: {:.0}/s", m as f64/t.elapsed().as_secs_f64());
    for tasks_n in [1u64,16,64] {
    let per=if tasks_n==1 {1000} else {16000/tasks_n}; let t=Instant::now(); let tasks:Vec<_>=(0..tasks_n).map(|k|{let store=store.clone(); tokio::spawn(async move{ for i in 0..per { let x=tasks_n*1_000_000+k*per+i; let u=b(x)[0..8].iter().fold(0u64,|a,x|a<<8|*x as u64)%count; assert!(store.add(&cred(u,x),50).await.unwrap()); } })}).collect(); for t in tasks{t.await.unwrap();}
    println!("add token, {tasks_n} tasks: {:.0}/s, {:.2} ms each", (per*tasks_n) as f64/t.elapsed().as_secs_f64(), t.elapsed().as_secs_f64()*1000.0/per as f64);
    }
    let t=Instant::now(); for i in 0..1000u64 { let x=16_000_000+i; assert!(store.by_digest(CredentialKind::RocketChatToken,&cred(0,x).digest.unwrap()).await.unwrap().is_some()); } println!("by_digest {:.1} µs", t.elapsed().as_micros() as f64/1000.0);
    let t=Instant::now(); store.purge(Timestamp::from_millis(i64::MAX)).await.unwrap(); println!("purge {:?}",t.elapsed());
    let t=Instant::now(); for _ in 0..1000 { store.changes().await.unwrap(); } println!("changes {:.1} µs", t.elapsed().as_micros() as f64/1000.0);
    println!("{}", std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l|l.starts_with("VmRSS")).unwrap());
    drop(store);
    std::fs::remove_dir_all(&dir).unwrap();
    }
}
