;; A resource with a destructor, borrowed and owned, and its canonical functions.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "drop") (param i32))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (type $r' (resource (rep i32) (dtor (core func $i "drop"))))
  (export $r "r" (type $r'))
  (core func $new (canon resource.new $r))
  (core func $rep (canon resource.rep $r))
  (core func $drop (canon resource.drop $r))
  (core module $user
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "rep" (func $rep (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "make") (result i32) i32.const 7 call $new)
    (func (export "take") (param i32) local.get 0 call $drop)
    (func $start i32.const 1 call $new call $rep call $new call $drop)
    (start $start))
  (core instance $u (instantiate $user
    (with "" (instance
      (export "new" (func $new))
      (export "rep" (func $rep))
      (export "drop" (func $drop))))))
  (func (export "make") (result (own $r)) (canon lift (core func $u "make")))
  (func (export "take") (param "r" (own $r)) (canon lift (core func $u "take"))))
