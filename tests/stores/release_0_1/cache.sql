PRAGMA application_id = 1851879011;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE replies (
  key TEXT PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL, cost INTEGER NOT NULL CHECK (cost >= 0),
  made_at REAL NOT NULL, expires_at REAL, hits INTEGER NOT NULL DEFAULT 0, hit_at REAL
) STRICT;
INSERT INTO "replies" VALUES('15799bfc394e36e334c3ebe6f58e1d79ad711cc3','small','{"text":"In short, name is what matters here.","finish_reason":"stop","usage":{"input_tokens":8,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":9,"reasoning_tokens":0,"measured":true,"cache_write_1h_tokens":0,"audio_input_tokens":0,"audio_output_tokens":0},"tool_calls":[],"model":"small","simulated":true,"provider_data":null}',4400,1.79597460196388602256e+09,NULL,0,NULL);
INSERT INTO "replies" VALUES('e2d0004afc5ff935501a6828aaf7b323344e7c80','medium','{"text":"{\"name\": \"Start from short and keep describe in mind.\"}","finish_reason":"stop","usage":{"input_tokens":56,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":14,"reasoning_tokens":0,"measured":true,"cache_write_1h_tokens":0,"audio_input_tokens":0,"audio_output_tokens":0},"tool_calls":[],"model":"medium","simulated":true,"provider_data":null}',44800,1.7959746021367733479e+09,1.7985666021367733478e+09,0,NULL);
INSERT INTO "replies" VALUES('83f5f3355f889af36ede443069b2e64e7eaaada1','small','{"text":"In short, mind is what matters here.","finish_reason":"stop","usage":{"input_tokens":53,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":9,"reasoning_tokens":0,"measured":true,"cache_write_1h_tokens":0,"audio_input_tokens":0,"audio_output_tokens":0},"tool_calls":[],"model":"small","simulated":true,"provider_data":null}',8900,1.79597460216776275629e+09,NULL,0,NULL);
INSERT INTO "replies" VALUES('2d47a97f0eb3ec5d68153e1afdf08383f82589cb','small','{"text":"The main point is the task, together with the task.","finish_reason":"stop","usage":{"input_tokens":42,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":13,"reasoning_tokens":0,"measured":true,"cache_write_1h_tokens":0,"audio_input_tokens":0,"audio_output_tokens":0},"tool_calls":[],"model":"small","simulated":true,"provider_data":null}',9400,1.79597460217732739443e+09,NULL,0,NULL);
COMMIT;
