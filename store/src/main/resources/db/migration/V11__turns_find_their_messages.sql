-- What a sandbox asks for again and again is found without reading everybody's conversation or all turns of a long session.
create index messages_by_turn on messages (turn_id, position);
create index turns_running on turns (session_id, incarnation) where status = 'running';
