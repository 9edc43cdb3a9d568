use std::time::Instant; use rusqlite::Connection;
fn main(){
 let p="/tmp/t2.db"; for e in ["","-wal","-shm"]{let _=std::fs::remove_file(format!("{p}{e}"));}
 let s=auth_store::Sqlite::open(std::path::Path::new(p)).unwrap();
 let c=Connection::open(p).unwrap();
 let time=|name:&str,f:&dyn Fn()|{ for _ in 0..200{f();} let t=Instant::now(); for _ in 0..5000{f();} println!("{name}: {:.2} µs",t.elapsed().as_micros() as f64/5000.0);};
 time("begin+rollback",&||{c.prepare_cached("BEGIN").unwrap().execute([]).unwrap();c.prepare_cached("ROLLBACK").unwrap().execute([]).unwrap();});
 time("meta",&||{let _=c.prepare_cached("SELECT value FROM meta WHERE name='x'").unwrap().query_row([],|r|r.get::<_,i64>(0));});
 time("begin+meta+rollback",&||{c.prepare_cached("BEGIN").unwrap().execute([]).unwrap();let _=c.prepare_cached("SELECT value FROM meta WHERE name='x'").unwrap().query_row([],|r|r.get::<_,i64>(0));c.prepare_cached("ROLLBACK").unwrap().execute([]).unwrap();});
 time("begin+meta+commit",&||{c.prepare_cached("BEGIN").unwrap().execute([]).unwrap();let _=c.prepare_cached("SELECT value FROM meta WHERE name='x'").unwrap().query_row([],|r|r.get::<_,i64>(0));c.prepare_cached("COMMIT").unwrap().execute([]).unwrap();});
 time("begin+2meta+commit",&||{c.prepare_cached("BEGIN").unwrap().execute([]).unwrap();for _ in 0..2{let _=c.prepare_cached("SELECT value FROM meta WHERE name='x'").unwrap().query_row([],|r|r.get::<_,i64>(0));}c.prepare_cached("COMMIT").unwrap().execute([]).unwrap();});
 drop(s);
}
