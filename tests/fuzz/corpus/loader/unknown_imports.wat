;; Asks for what nobody offers, and for what is offered in another version.
(component
  (import "sandpit:broker/everything@0.1.0" (instance))
  (import "sandpit:broker/account@9.9.9" (instance))
  (import "a-function" (func (param "x" string) (result (list u8))))
  (import "a-module" (core module)))
