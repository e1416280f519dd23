-- Transitions are numbered by the clock's milliseconds at least, so that they go on counting up after a workflow was reset.
alter table sessions alter column last_transition type bigint;
