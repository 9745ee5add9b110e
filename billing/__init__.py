"""The rules of Saldo: no request, no template, no JSON. See docs/architecture.md for the one home of each rule."""
