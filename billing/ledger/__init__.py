"""The strongroom: credits only. It knows no Stripe, plan, price or request."""
