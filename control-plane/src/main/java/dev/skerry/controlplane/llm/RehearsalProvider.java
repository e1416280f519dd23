package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Plays a scripted part without any model, so that everything around a model can be tried without a key.
 *
 * <p>Deterministic: what it says is a function of the conversation. Each turn writes a file, shows it, and reports what it showed.
 * Tokens are counted as four bytes each. A task may hold stage directions: {@code rehearse:sleep=N} makes the shell command sleep
 * for N seconds first, {@code rehearse:fail} makes it begin with a tool that does not exist, {@code rehearse:run=COMMAND} makes it run that
 * command, to the end of the line, and report what it said.
 */
final class RehearsalProvider implements ModelProvider {
    static final String MODEL = "rehearsal";
    private static final Pattern FILE = Pattern.compile("\\b[A-Za-z0-9_-]+\\.[A-Za-z0-9]{1,5}\\b");
    private static final Pattern SLEEP = Pattern.compile("rehearse:sleep=(\\d{1,3})");
    private static final Pattern RUN = Pattern.compile("rehearse:run=(.+)");
    private static final int BYTES_PER_TOKEN = 4;
    private static final int PIECE = 16;
    private static final long PAUSE_MILLIS = 8;
    private static final int MOST_PAUSES = 40;
    private static final int MOST_QUOTED = 200;
    private static final String HAIKU =
            "Salt wind, turning light:\none slow white arm sweeps the dark,\nships count themselves home.\n";

    private final JsonMapper json;

    RehearsalProvider(JsonMapper json) {
        this.json = json;
    }

    @Override
    public String name() {
        return "rehearsal";
    }

    @Override
    public ModelAnswer generate(ModelRequest request, Consumer<String> textDeltas) throws ModelException {
        Scene scene = new Scene(request.messages());
        List<Content> content = new ArrayList<>();
        String line = scene.line();
        recite(line, textDeltas);
        content.add(new Content.Text(line));
        content.add(scene.call());
        return new ModelAnswer(content, StopReason.TOOL_USE, usage(request, content));
    }

    private Usage usage(ModelRequest request, List<Content> content) {
        long input = request.system().length();
        for (Message message : request.messages()) {
            input += bytes(message.content());
        }
        return new Usage(input / BYTES_PER_TOKEN + 1, bytes(content) / BYTES_PER_TOKEN + 1, 0, 0, false);
    }

    private long bytes(List<Content> content) {
        return json.writeValueAsString(content).getBytes(StandardCharsets.UTF_8).length;
    }

    private static void recite(String line, Consumer<String> textDeltas) throws ModelException {
        for (int at = 0, pauses = 0; at < line.length(); at += PIECE, pauses++) {
            textDeltas.accept(line.substring(at, Math.min(line.length(), at + PIECE)));
            try {
                Thread.sleep(pauses < MOST_PAUSES ? PAUSE_MILLIS : 0);
            } catch (InterruptedException e) {
                throw new ModelException(Kind.CANCELLED, "The model call was cancelled.", true, null, null, e);
            }
        }
    }

    /** Where in its script a conversation stands. */
    private final class Scene {
        private final int turn;
        private final String task;
        private final String file;
        private final List<Message> results;
        private final int callNumber;

        Scene(List<Message> messages) {
            List<Message> asked = messages.stream()
                    .filter(message -> message.role() == Message.Role.USER)
                    .toList();
            turn = asked.size();
            task = asked.isEmpty() ? "" : asked.getLast().text();
            file = fileOf(asked);
            int lastAsked = asked.isEmpty() ? -1 : messages.lastIndexOf(asked.getLast());
            results = messages.stream()
                    .skip(lastAsked + 1L)
                    .filter(message -> message.role() == Message.Role.TOOL)
                    .toList();
            callNumber = (int) messages.stream()
                            .filter(message -> message.role() == Message.Role.ASSISTANT)
                            .count()
                    + 1;
        }

        private static String fileOf(List<Message> asked) {
            for (Message message : asked.reversed()) {
                Matcher matcher = FILE.matcher(message.text());
                if (matcher.find()) {
                    return matcher.group();
                }
            }
            return "rehearsal.txt";
        }

        private boolean failing() {
            return task.contains("rehearse:fail");
        }

        /** 1 writes, 2 shows, 3 reports. */
        private int act() {
            int done = results.size() - (failing() ? 1 : 0);
            return done < 0 ? 0 : Math.min(3, done + 1);
        }

        /** The one command that the part consists of, if it does. */
        private @Nullable String command() {
            Matcher matcher = RUN.matcher(task);
            return matcher.find() ? matcher.group(1) : null;
        }

        String line() {
            if (command() != null) {
                return results.isEmpty() ? "Rehearsal model (no key, scripted): I run what I was told. " : "It ended. ";
            }
            return switch (act()) {
                case 0 -> "Rehearsal model (no key, scripted): I call a tool that does not exist, as directed. ";
                case 1 ->
                    turn == 1
                            ? "Rehearsal model (no key, scripted): I write " + file + ". "
                            : "Rehearsal model (no key, scripted): I remember " + (turn - 1)
                                    + " earlier turn(s) of this conversation and add to " + file + ". ";
                case 2 -> "Now I show it. ";
                default -> "That is the end of the script. ";
            };
        }

        Content.ToolCall call() {
            String id = "call_" + callNumber;
            ObjectNode arguments = json.createObjectNode();
            String command = command();
            if (command != null) {
                return results.isEmpty()
                        ? new Content.ToolCall(id, "bash", arguments.put("command", command))
                        : new Content.ToolCall(
                                id,
                                "done",
                                arguments.put("result", results.getLast().text()));
            }
            return switch (act()) {
                case 0 -> new Content.ToolCall(id, "no_such_tool", arguments);
                case 1 -> {
                    if (turn == 1) {
                        arguments.put("path", file).put("content", text());
                        yield new Content.ToolCall(id, "write", arguments);
                    }
                    arguments.put("command", "printf 'Turn %s was here.\\n' " + turn + " >> " + file);
                    yield new Content.ToolCall(id, "bash", arguments);
                }
                case 2 -> {
                    arguments.put("command", pause() + "cat " + file);
                    yield new Content.ToolCall(id, "bash", arguments);
                }
                default -> {
                    Message shown = results.getLast();
                    arguments.put(
                            "result",
                            shown.isError()
                                    ? "Rehearsal: the last tool did not succeed; it said: " + shown.text()
                                    : "Rehearsal: " + file + " holds:\n" + shown.text());
                    arguments.putArray("files").add(file);
                    yield new Content.ToolCall(id, "done", arguments);
                }
            };
        }

        private String pause() {
            Matcher matcher = SLEEP.matcher(task);
            return matcher.find() ? "sleep " + matcher.group(1) + "; " : "";
        }

        private String text() {
            if (task.toLowerCase(java.util.Locale.ROOT).contains("haiku")) {
                return HAIKU;
            }
            String quoted = task.length() > MOST_QUOTED ? task.substring(0, MOST_QUOTED) + "…" : task;
            return "A rehearsal of: " + quoted + "\n";
        }
    }
}
