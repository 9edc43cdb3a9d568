use std::time::Instant; use rusqlite::{Connection,StatementStatus,params};
fn main(){
 let p="/tmp/t2.db"; for e in ["","-wal","-shm"]{let _=std::fs::remove_file(format!("{p}{e}"));}
 let s=auth_store::Sqlite::open(std::path::Path::new(p)).unwrap();
 let c=Connection::open(p).unwrap();
 let acc="u.id, u.realm, EXISTS (SELECT 1 FROM credential AS t WHERE t.user = u.id AND t.kind = 'totp')";
 for (n,q) in [("by name",format!("SELECT {acc} FROM login_name AS n CROSS JOIN user AS u ON u.id = n.user
     WHERE n.kind = ?1 AND n.folded = ?2 AND n.realm = ?3 AND (n.exact = ?4 OR NOT EXISTS (
         SELECT 1 FROM login_name AS o
         WHERE o.kind = ?1 AND o.folded = ?2 AND o.realm = ?3 AND o.exact <> n.exact))")),
  ("no acc",format!("SELECT u.id FROM login_name AS n CROSS JOIN user AS u ON u.id = n.user WHERE n.kind = ?1 AND n.folded = ?2 AND n.realm = ?3 AND n.exact=?4")),
  ("or",format!("SELECT n.user FROM login_name AS n WHERE n.kind = ?1 AND n.folded = ?2 AND n.realm = ?3 AND (n.exact=?4 OR n.verified=7)")),
  ("id4",format!("SELECT {acc} FROM user AS u WHERE ?1+?2+?4=0 OR u.id=?3")),
  ("id",format!("SELECT {acc} FROM user AS u WHERE u.id=?3 AND ?1=?2 AND ?4=?4")),
 ]{
 let mut st=c.prepare(&q).unwrap();
 let t=Instant::now(); for i in 0..5000 { let mut r=st.query(params![1,format!("a{i}"),[i as u8;16],format!("b{i}")]).unwrap(); r.next().unwrap(); }
 println!("{n}: {:.2} µs reprepare {}",t.elapsed().as_micros() as f64/5000.0, st.get_status(StatementStatus::RePrepare));
 }
 drop(s);
}
