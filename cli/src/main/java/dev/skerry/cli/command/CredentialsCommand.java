package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Json;
import dev.skerry.cli.client.ApiClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Keeps the credentials that brokered requests use; a value is never an argument and never comes back. */
@Command(
        name = "credentials",
        description = "Sets, lists and deletes what brokered requests authenticate with.",
        mixinStandardHelpOptions = true,
        subcommands = {CredentialsCommand.Put.class, CredentialsCommand.ProviderKey.class})
public final class CredentialsCommand {
    private static final String TENANT = "ten_default";

    CredentialsCommand() {}

    private static ApiClient operator() {
        return new Connection().operator();
    }

    @Command(description = "Lists names and rules; values cannot be read.", mixinStandardHelpOptions = true)
    int list(@Option(names = "--tenant", defaultValue = TENANT) String tenant, @Option(names = "--json") boolean json) {
        JsonNode answer = operator().get(OperatorPath.of("tenants", tenant, "credentials"));
        if (json) {
            System.out.println(Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(answer));
            return ExitCode.OK.code();
        }
        for (JsonNode credential : answer.path("data")) {
            System.out.printf(
                    "%-24s  %-8s  %s%n",
                    credential.path("name").asString(""),
                    credential.path("injection").path("as").asString(""),
                    String.join(
                            "; ",
                            credential
                                    .path("rules")
                                    .valueStream()
                                    .map(JsonNode::asString)
                                    .toList()));
        }
        if (answer.path("data").isEmpty()) {
            System.out.println(
                    "No credentials. Set one: skerry credentials set NAME --from-env VARIABLE --allow \"GET https://...\"");
        }
        return ExitCode.OK.code();
    }

    @Command(description = "Deletes a credential.", mixinStandardHelpOptions = true)
    int delete(
            @Parameters(paramLabel = "NAME") String name,
            @Option(names = "--tenant", defaultValue = TENANT) String tenant) {
        operator().delete(OperatorPath.of("tenants", tenant, "credentials", name));
        System.out.println(name + " is deleted");
        return ExitCode.OK.code();
    }

    @Command(description = "Seals every credential with the current key.", mixinStandardHelpOptions = true)
    int rotate() {
        JsonNode answer = operator().post("credentials/rotate", Map.of());
        System.out.println(answer.path("renewed").asInt() + " sealed with the current key");
        JsonNode unopened = answer.path("unopened");
        unopened.forEach(name -> System.out.println(name.asString("") + " does not open: set it again"));
        return unopened.isEmpty() ? ExitCode.OK.code() : ExitCode.REFUSED.code();
    }

    /** Takes a value from a variable or a file. */
    @Command(
            name = "set",
            description = "Sets a credential; its value comes from a variable or a file, never from the command line.",
            mixinStandardHelpOptions = true)
    static final class Put implements Callable<Integer> {
        @Parameters(paramLabel = "NAME")
        private String name = "";

        @ArgGroup(multiplicity = "1")
        private Source source = new Source();

        @Option(
                names = "--allow",
                required = true,
                paramLabel = "RULE",
                description =
                        "What it may be used for, such as \"GET|POST https://api.example.com/v1/*\"; may be repeated.")
        private List<String> allow = new ArrayList<>();

        @Option(
                names = "--as",
                defaultValue = "bearer",
                paramLabel = "FORM",
                description = {
                    "bearer (the default), header:NAME, basic:USER, query:NAME",
                    "or sigv4:ACCESS_KEY_ID:REGION:SERVICE."
                })
        private String form = "bearer";

        @Option(names = "--tenant", defaultValue = TENANT)
        private String tenant = TENANT;

        @Override
        public Integer call() {
            operator()
                    .put(
                            OperatorPath.of("tenants", tenant, "credentials", name),
                            Map.of("value", source.value(), "injection", injection(), "allow", allow));
            System.out.println(name + " is set");
            return ExitCode.OK.code();
        }

        private Map<String, String> injection() {
            List<String> parts = List.of(form.split(":", -1));
            return switch (parts.getFirst() + parts.size()) {
                case "bearer1" -> Map.of("as", "header", "name", "Authorization", "prefix", "Bearer ");
                case "header2" -> Map.of("as", "header", "name", parts.get(1));
                case "basic2" -> Map.of("as", "basic", "username", parts.get(1));
                case "query2" -> Map.of("as", "query", "name", parts.get(1));
                case "sigv44" ->
                    Map.of(
                            "as",
                            "sigv4",
                            "access_key_id",
                            parts.get(1),
                            "region",
                            parts.get(2),
                            "service",
                            parts.get(3));
                default ->
                    throw new Failure(
                            ExitCode.USAGE,
                            "--as is not one of the known forms.",
                            "Use bearer, header:NAME, basic:USER, query:NAME or sigv4:ACCESS_KEY_ID:REGION:SERVICE.");
            };
        }
    }

    /** Takes a model provider's key from a variable or a file. */
    @Command(
            name = "provider-key",
            description = {
                "Sets a model provider's key; it counts at once, without a restart.",
                "The control plane uses it if skerry.models.<PROVIDER>-key-stored is true."
            },
            mixinStandardHelpOptions = true)
    static final class ProviderKey implements Callable<Integer> {
        @Parameters(paramLabel = "PROVIDER", description = "anthropic or openai")
        private String provider = "";

        @ArgGroup(multiplicity = "1")
        private Source source = new Source();

        @Override
        public Integer call() {
            operator().put(OperatorPath.of("provider-keys", provider), Map.of("value", source.value()));
            System.out.println("The key of " + provider + " is set");
            return ExitCode.OK.code();
        }
    }

    /** Where a value comes from. */
    static final class Source {
        @Option(names = "--from-env", paramLabel = "VARIABLE", description = "The variable that holds the value.")
        private @Nullable String variable;

        @Option(names = "--from-file", paramLabel = "FILE", description = "The file that holds the value.")
        private @Nullable Path file;

        String value() {
            return file == null ? ofVariable(variable == null ? "" : variable) : ofFile(file);
        }

        private static String ofVariable(String name) {
            String value = System.getenv(name);
            if (value == null || value.isBlank()) {
                throw new Failure(ExitCode.USAGE, "The variable " + name + " is not set.", "Export it first.");
            }
            return value.strip();
        }

        private static String ofFile(Path file) {
            try {
                return Files.readString(file).strip();
            } catch (IOException e) {
                throw new Failure(ExitCode.USAGE, "The file " + file + " cannot be read.", "Name a file of text.", e);
            }
        }
    }
}
