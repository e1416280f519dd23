package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Json;
import dev.skerry.cli.client.ApiClient;
import dev.skerry.cli.client.EventStream;
import dev.skerry.cli.client.SessionEvent;
import dev.skerry.cli.terminal.Terminal;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Steers sessions through the public API. */
@Command(
        name = "session",
        description = "Creates, steers and reads sessions.",
        mixinStandardHelpOptions = true,
        subcommands = {SessionCommand.Send.class, SessionCommand.Events.class, SessionCommand.FilesCommand.class})
public final class SessionCommand {
    private static final int COLUMN = 40;

    SessionCommand() {}

    private static ApiClient api() {
        return new Connection().demand();
    }

    private static int print(JsonNode answer) {
        System.out.println(Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(answer));
        return ExitCode.OK.code();
    }

    private static int line(JsonNode session) {
        System.out.printf(
                "%s  %-12s  %s%n",
                session.path("id").asString(""),
                session.path("status").asString(""),
                Terminal.oneLine(session.path("reason").path("message").asString(""), COLUMN));
        return ExitCode.OK.code();
    }

    @Command(description = "Creates a session, with a first message if one is given.", mixinStandardHelpOptions = true)
    int create(
            @Parameters(arity = "0..1", paramLabel = "MESSAGE") @Nullable String message,
            @Option(names = "--model") @Nullable String model,
            @Option(names = "--json") boolean json) {
        Map<String, Object> order = new HashMap<>();
        if (message != null) {
            order.put("message", message);
        }
        if (model != null) {
            order.put("model", model);
        }
        JsonNode session = api().post("sessions", order);
        return json ? print(session) : line(session);
    }

    @Command(description = "Lists sessions, newest first.", mixinStandardHelpOptions = true)
    int list(@Option(names = "--status") @Nullable String status, @Option(names = "--json") boolean json) {
        JsonNode answer = api().get("sessions" + (status == null ? "" : "?status=" + status));
        if (json) {
            return print(answer);
        }
        answer.path("data").forEach(SessionCommand::line);
        if (answer.path("data").isEmpty()) {
            System.out.println("No sessions. Start one: skerry run \"...\"");
        }
        return ExitCode.OK.code();
    }

    @Command(description = "Shows a session.", mixinStandardHelpOptions = true)
    int get(@Parameters(paramLabel = "SESSION") String id, @Option(names = "--json") boolean json) {
        JsonNode session = api().get("sessions/" + id);
        return json ? print(session) : line(session);
    }

    @Command(description = "Shows what a session spent.", mixinStandardHelpOptions = true)
    int usage(@Parameters(paramLabel = "SESSION") String id) {
        return print(api().get("sessions/" + id + "/usage"));
    }

    @Command(description = "Shows the conversation.", mixinStandardHelpOptions = true)
    int messages(@Parameters(paramLabel = "SESSION") String id) {
        return print(api().get("sessions/" + id + "/messages"));
    }

    @Command(description = "Suspends a session.", mixinStandardHelpOptions = true)
    int suspend(@Parameters(paramLabel = "SESSION") String id) {
        return line(api().post("sessions/" + id + "/suspend", Map.of()));
    }

    @Command(description = "Wakes a session.", mixinStandardHelpOptions = true)
    int resume(@Parameters(paramLabel = "SESSION") String id) {
        return line(api().post("sessions/" + id + "/resume", Map.of()));
    }

    @Command(description = "Cancels the turn in progress.", mixinStandardHelpOptions = true)
    int cancel(@Parameters(paramLabel = "SESSION") String id) {
        return line(api().post("sessions/" + id + "/cancel", Map.of()));
    }

    @Command(description = "Ends a session, in whatever state it is.", mixinStandardHelpOptions = true)
    int delete(@Parameters(paramLabel = "SESSION") String id) {
        return line(api().delete("sessions/" + id));
    }

    /** Sends a message and shows what becomes of it. */
    @Command(
            name = "send",
            description = "Sends a message, waking the session if it is suspended, and shows the turn.",
            mixinStandardHelpOptions = true)
    static final class Send implements Callable<Integer> {
        @Parameters(index = "0", paramLabel = "SESSION")
        private String id = "";

        @Parameters(index = "1", paramLabel = "MESSAGE")
        private String text = "";

        @Option(names = "--json", description = "Print every event as a line of JSON.")
        private boolean json;

        @Override
        public Integer call() {
            Connection connection = new Connection();
            ApiClient api = connection.demand();
            RunView view = new RunView(Terminal.standard(System.out, System.getenv()), connection.home(), id);
            long last = lastEvent(api);
            String turn = api.post("sessions/" + id + "/messages", Map.of("text", text))
                    .path("turn")
                    .path("id")
                    .asString("");
            try (EventStream events = api.events(id, last)) {
                while (true) {
                    Optional<SessionEvent> event = events.next();
                    if (event.isEmpty()) {
                        return ExitCode.TURN_FAILED.code();
                    }
                    if (json) {
                        System.out.println(
                                Json.MAPPER.writeValueAsString(event.get().json()));
                    } else {
                        view.show(event.get());
                    }
                    if (RunView.ends(event.get(), turn) || event.get().isLast()) {
                        return switch (event.get().type()) {
                            case "turn.completed" -> ExitCode.OK.code();
                            case "turn.limit" -> ExitCode.LIMIT.code();
                            default -> ExitCode.TURN_FAILED.code();
                        };
                    }
                }
            }
        }

        private long lastEvent(ApiClient api) {
            long last = 0;
            JsonNode page = api.get("sessions/" + id + "/events?limit=1000");
            while (true) {
                for (JsonNode event : page.path("data")) {
                    last = Math.max(last, event.path("id").asLong(0));
                }
                if (!page.path("has_more").asBoolean(false)) {
                    return last;
                }
                page = api.get("sessions/" + id + "/events?limit=1000&after=" + last);
            }
        }
    }

    /** Prints a session's events. */
    @Command(
            name = "events",
            description = "Prints the session's events as lines of JSON.",
            mixinStandardHelpOptions = true)
    static final class Events implements Callable<Integer> {
        @Parameters(paramLabel = "SESSION")
        private String id = "";

        @Option(
                names = {"-f", "--follow"},
                description = "Go on with what happens, until the session ends.")
        private boolean follow;

        @Override
        public Integer call() {
            ApiClient api = api();
            if (!follow) {
                api.get("sessions/" + id + "/events?limit=1000")
                        .path("data")
                        .forEach(event -> System.out.println(Json.MAPPER.writeValueAsString(event)));
                return ExitCode.OK.code();
            }
            try (EventStream events = api.events(id, 0)) {
                Optional<SessionEvent> event = events.next();
                while (event.isPresent()) {
                    System.out.println(
                            Json.MAPPER.writeValueAsString(event.get().json()));
                    event = events.next();
                }
            }
            return ExitCode.OK.code();
        }
    }

    /** A session's workspace. */
    @Command(name = "files", description = "Reads a session's files.", mixinStandardHelpOptions = true)
    static final class FilesCommand {
        FilesCommand() {}

        @Command(description = "Lists the files.", mixinStandardHelpOptions = true)
        int list(@Parameters(paramLabel = "SESSION") String id, @Option(names = "--json") boolean json) {
            JsonNode answer = api().get("sessions/" + id + "/files");
            if (json) {
                return print(answer);
            }
            for (JsonNode file : answer.path("data")) {
                System.out.printf(
                        "%10d  %s%n",
                        file.path("size").asLong(),
                        Terminal.clean(file.path("path").asString("")));
            }
            return ExitCode.OK.code();
        }

        @Command(description = "Copies one file into the current directory.", mixinStandardHelpOptions = true)
        int pull(
                @Parameters(paramLabel = "SESSION") String id,
                @Parameters(paramLabel = "PATH") String path,
                @Option(
                                names = {"-o", "--output"},
                                description = "Where to; - for standard output.")
                        @Nullable
                        String output) {
            String name = Path.of(path).getFileName().toString();
            Path target = Path.of(output == null ? name : output);
            try {
                if ("-".equals(output)) {
                    api().download("sessions/" + id + "/files/" + path, System.out);
                    System.out.flush();
                    return ExitCode.OK.code();
                }
                try (OutputStream out = Files.newOutputStream(target)) {
                    long bytes = api().download("sessions/" + id + "/files/" + path, out);
                    System.out.println(target + " (" + bytes + " bytes)");
                }
                return ExitCode.OK.code();
            } catch (IOException e) {
                throw new Failure(
                        ExitCode.TURN_FAILED,
                        "Cannot write " + target + ": " + e.getMessage(),
                        "Choose another place with --output.",
                        e);
            }
        }
    }
}
