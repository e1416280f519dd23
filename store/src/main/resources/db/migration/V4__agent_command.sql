-- A program that works for the session instead of the loop in the sandbox: a list of the program and its arguments.
alter table sessions
    add column agent_command jsonb check (jsonb_typeof(agent_command) = 'array');
