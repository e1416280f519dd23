-- The trace in which a turn was asked for: what its sandbox does joins it, whatever that sandbox says.
alter table turns add column trace_parent text check (length(trace_parent) <= 64);
