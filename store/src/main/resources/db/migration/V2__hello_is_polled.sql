-- The worker asks for an incarnation's hello; nobody is told of it.
alter table incarnations drop column hello_task_token;
