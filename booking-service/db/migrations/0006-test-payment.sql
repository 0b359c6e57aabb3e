-- The built-in test provider. Every command names the payment, so that saying it again does nothing twice.

create function test_payment_authorise(p_payment text, p_amount int, p_currency text, p_state text)
returns text language sql as $$
  insert into test_payment (payment, amount, currency, state, authorisations)
  values (p_payment, p_amount, p_currency, p_state, 1)
  on conflict (payment) do update set authorisations = test_payment.authorisations + 1
  returning case
    when state <> 'cancelled' and (test_payment.amount, test_payment.currency) <> (p_amount, p_currency) then 'mismatch'
    else state
  end
$$;

create function test_payment_capture(p_payment text) returns text language sql as $$
  update test_payment
  set state = 'captured', captures = captures + (state = 'authorised')::int
  where payment = p_payment and state in ('authorised', 'captured')
  returning state
$$;

-- Cancelling what the provider has not seen yet leaves a mark, so that an authorisation that arrives later is refused.
create function test_payment_cancel(p_payment text) returns text language sql as $$
  insert into test_payment (payment, amount, currency, state) values (p_payment, 0, '', 'cancelled')
  on conflict (payment) do update
  set state = case when test_payment.state = 'authorised' then 'cancelled' else test_payment.state end
  returning state
$$;
