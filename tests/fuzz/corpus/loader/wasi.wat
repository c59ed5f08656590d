;; Asks for interfaces of WASI in several versions, and exports nothing.
(component
  (import "wasi:clocks/monotonic-clock@0.2.0"
    (instance (export "now" (func (result u64)))))
  (import "wasi:random/random@0.2.6"
    (instance (export "get-random-u64" (func (result u64)))))
  (import "wasi:http/types@0.2.0"
    (instance (export "fields" (type (sub resource))))))
