;; Components in components, with aliases outwards and instances of instances.
(component
  (type $list (list (tuple string (option (result u64 (error string))))))
  (component $outer
    (alias outer 1 $list (type $same))
    (component $inner
      (core module $m (func (export "f") (result i32) i32.const 1))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))
    (instance $a (instantiate $inner))
    (instance $b (instantiate $inner))
    (export "a" (instance $a))
    (export "b" (func $b "f")))
  (instance $o (instantiate $outer))
  (export "sandpit:tool/plugin@0.1.0" (instance $o)))
