package dev.skerry.system;

import dev.skerry.api.key.ApiKey;
import dev.skerry.temporal.SearchAttributes;
import dev.skerry.temporal.TemporalSettings;
import dev.skerry.testing.FreePort;
import dev.skerry.testing.TestingPostgres;
import dev.skerry.testing.TestingTemporal;
import io.temporal.client.WorkflowClient;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/** Every role as a process of its own, with a real Temporal server and a real Postgres. */
public final class Installation implements AutoCloseable {
    static final String INTERNAL_TOKEN = "internal-token-of-a-system-test";
    static final String METRO_TOKEN = "metro-token-of-a-system-test";
    static final String OPERATOR_TOKEN = "operator-token-of-a-system-test";
    static final String CREDENTIAL_KEY = "c2tlcnJ5LXN5c3RlbS10ZXN0LWNyZWRlbnRpYWwtazE=";
    static final String SIGNING_KEY = "c2tlcnJ5LXN5c3RlbS10ZXN0LXNpZ25pbmcta2V5ITE=";

    private static final String METRO = "metro";
    private static final Duration ANSWERS_WITHIN = Duration.ofSeconds(90);
    private static final Duration STARTS_WITHIN = Duration.ofSeconds(90);
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Path directory;
    private final TestingTemporal temporal;
    private final Map<String, RoleProcess> roles = new LinkedHashMap<>();
    private final Map<String, Integer> ports = new HashMap<>();
    private final List<String> metros;
    private final Map<String, Map<String, String>> more;
    private final String database;
    private final String apiKey = ApiKey.generate(new SecureRandom()).reveal();
    private final int apiPort = FreePort.find();
    private final int internal = FreePort.find();
    private final int workerPort = FreePort.find();
    private final int controlPlaneObserved = FreePort.find();

    private Installation(
            Path directory,
            TestingTemporal temporal,
            String database,
            List<String> metros,
            Map<String, Map<String, String>> more)
            throws IOException {
        this.directory = directory;
        this.temporal = temporal;
        this.database = database;
        this.metros = metros;
        this.more = more;
    }

    static Installation start(Path directory) throws IOException {
        return start(directory, Map.of());
    }

    /** {@code ofTheWorker} are settings of the worker besides the usual ones. */
    static Installation start(Path directory, Map<String, String> ofTheWorker) throws IOException {
        return start(directory, ofTheWorker, Map.of());
    }

    /** The same, with settings of every role. */
    static Installation start(Path directory, Map<String, String> ofTheWorker, Map<String, String> ofAll)
            throws IOException {
        Map<String, String> worker = new HashMap<>(ofAll);
        worker.putAll(ofTheWorker);
        return start(
                directory,
                TestingPostgres.newDatabase(),
                Map.of("metro", ofAll, "control-plane", ofAll, "api", ofAll, "worker", worker));
    }

    /** {@code more} are settings of roles besides the usual ones. */
    static Installation start(Path directory, String database, Map<String, Map<String, String>> more)
            throws IOException {
        return start(
                directory,
                TestingTemporal.start(directory, SearchAttributes.cliTypes()),
                database,
                List.of(METRO),
                more);
    }

    /**
     * The same on a Temporal server that is there already, which ends with it.
     *
     * @param metros what the metros are called as processes, and among the settings
     */
    public static Installation start(
            Path directory,
            TestingTemporal temporal,
            String database,
            List<String> metros,
            Map<String, Map<String, String>> more)
            throws IOException {
        Installation installation = new Installation(directory, temporal, database, metros, more);
        try {
            installation.startRoles();
            return installation;
        } catch (IOException | RuntimeException e) {
            installation.close();
            throw e;
        }
    }

    private void startRoles() throws IOException {
        int sandbox = FreePort.find();
        ports.putAll(Map.of("control-plane", internal, "worker", workerPort, "api", apiPort));
        Map<String, String> common = new HashMap<>(Map.of(
                "SKERRY_HOME",
                directory.resolve("home").toString(),
                "SKERRY_DB_URL",
                database,
                "SKERRY_TEMPORAL_TARGET",
                temporal.target(),
                "SKERRY_INSTALLATION",
                "systest",
                "MANAGEMENT_SERVER_PORT",
                "0"));
        Map<String, String> worker = new HashMap<>(Map.of(
                "SERVER_PORT",
                text(workerPort),
                "SKERRY_WORKER_CONTROLPLANE_URL",
                "http://127.0.0.1:" + internal,
                "SKERRY_WORKER_CONTROLPLANE_TOKEN",
                INTERNAL_TOKEN));
        for (String metro : metros) {
            worker.putAll(startMetro(metro, common));
        }
        start(
                "control-plane",
                common,
                Map.ofEntries(
                        Map.entry("SERVER_PORT", text(sandbox)),
                        Map.entry("MANAGEMENT_SERVER_PORT", text(controlPlaneObserved)),
                        Map.entry("SKERRY_CONTROLPLANE_SANDBOXURL", "http://127.0.0.1:" + sandbox),
                        Map.entry("SKERRY_CONTROLPLANE_INTERNAL_PORT", text(internal)),
                        Map.entry("SKERRY_CONTROLPLANE_INTERNAL_TOKEN", INTERNAL_TOKEN),
                        Map.entry("SKERRY_CONTROLPLANE_OPERATOR_TOKEN", OPERATOR_TOKEN),
                        Map.entry("SKERRY_CONTROLPLANE_CREDENTIALS_CURRENT", "c1"),
                        Map.entry("SKERRY_CONTROLPLANE_CREDENTIALS_SECRETS_C1", CREDENTIAL_KEY),
                        Map.entry("SKERRY_CONTROLPLANE_KEYS_CURRENT", "k1"),
                        Map.entry("SKERRY_CONTROLPLANE_KEYS_SECRETS_K1", SIGNING_KEY),
                        Map.entry(
                                "SKERRY_CONTROLPLANE_FILES_DIRECTORY",
                                directory.resolve("objects").toString())));
        Ports.awaitListening(internal, Duration.ofSeconds(60));
        start("worker", common, worker);
        start(
                "api",
                common,
                Map.of(
                        "SERVER_PORT", text(apiPort),
                        "SKERRY_API_BOOTSTRAPKEY", apiKey,
                        "SKERRY_FILES_DIRECTORY", directory.resolve("objects").toString()));
        for (String metro : metros) {
            Ports.awaitListening(ports.get(metro), Duration.ofSeconds(60));
        }
        Ports.awaitListening(apiPort, Duration.ofSeconds(60));
    }

    /** Answers how the worker is told of it. */
    private Map<String, String> startMetro(String metro, Map<String, String> common) throws IOException {
        int port = FreePort.find();
        String its = "SKERRY_WORKER_METROS_" + metros.indexOf(metro) + "_";
        ports.put(metro, port);
        start(
                metro,
                common,
                Map.of(
                        "SKERRY_HOME", home(metro).toString(),
                        "SKERRY_METRO_TOKEN", METRO_TOKEN,
                        "SKERRY_METRO_PORT", text(port)));
        return Map.of(
                its + "CODE",
                code(metro),
                its + "URL",
                "http://127.0.0.1:" + port,
                its + "TOKEN",
                METRO_TOKEN,
                its + "IMAGE",
                "skerry/sandbox:local");
    }

    /** What sessions call the metro. */
    public static String code(String metro) {
        return metro.equals(METRO) ? "local" : metro;
    }

    private Path home(String metro) {
        return directory.resolve(metro.equals(METRO) ? "home" : metro);
    }

    private void start(String name, Map<String, String> common, Map<String, String> own) throws IOException {
        Map<String, String> settings = new HashMap<>(common);
        if (name.equals("worker")) {
            settings.remove("MANAGEMENT_SERVER_PORT");
        }
        settings.putAll(own);
        settings.putAll(more.getOrDefault(name, Map.of()));
        roles.put(name, RoleProcess.start(name, metros.contains(name) ? METRO : name, directory, settings));
    }

    /** Kills a role as a crash would. */
    public void kill(String role) {
        roles.get(role).kill();
    }

    /** Starts a killed role again where it was, as often as a supervisor would, and waits until it listens. */
    public void restart(String role) {
        RoleProcess process = roles.get(role);
        Awaitility.await("%s listens".formatted(role))
                .atMost(STARTS_WITHIN)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> {
                    if (!process.alive()) {
                        process.restart();
                    }
                    return Ports.isListening(ports.get(role));
                });
    }

    public URI apiUrl() {
        return URI.create("http://127.0.0.1:" + apiPort);
    }

    public String apiKey() {
        return apiKey;
    }

    private static String text(int port) {
        return Integer.toString(port);
    }

    /** Runs {@code skerry} with the arguments as a person would; answers its exit code and what it printed. */
    public Command.Result skerry(String... arguments) throws IOException, InterruptedException {
        return Command.run(
                directory,
                Map.of(
                        "SKERRY_URL",
                        "http://127.0.0.1:" + apiPort,
                        "SKERRY_API_KEY",
                        apiKey,
                        "SKERRY_HOME",
                        directory.resolve("client").toString()),
                arguments);
    }

    /** Calls the API; answers the body. */
    String post(String path, String body, Map<String, String> headers) throws IOException, InterruptedException {
        HttpResponse<String> answer = ask("POST", path, body, headers);
        if (answer.statusCode() / 100 != 2) {
            throw new IOException("the API answered " + answer.statusCode() + ": " + answer.body());
        }
        return answer.body();
    }

    /** Calls the API; answers whatever it says. */
    HttpResponse<String> ask(String method, String path, String body, Map<String, String> headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(apiUrl().resolve(path))
                .timeout(ANSWERS_WITHIN)
                .header("Authorization", "Bearer " + apiKey)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        headers.forEach(request::header);
        return HTTP.send(request.build(), BodyHandlers.ofString());
    }

    void awaitStatus(String session, String status, Duration patience) {
        Awaitility.await()
                .atMost(patience)
                .until(() -> query("select status from sessions where id = '" + session + "'")
                        .contains(status));
    }

    /** Runs {@code skerry} as an operator would, with variables that hold what is not to be in an argument. */
    Command.Result operator(Map<String, String> variables, String... arguments)
            throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>(Map.of(
                "SKERRY_OPERATOR_URL",
                "http://127.0.0.1:" + internal,
                "SKERRY_OPERATOR_TOKEN",
                OPERATOR_TOKEN,
                "SKERRY_HOME",
                directory.resolve("client").toString()));
        environment.putAll(variables);
        return Command.run(directory, environment, arguments);
    }

    /** What nobody but its owner may ever see, by name. */
    Map<String, String> secrets() {
        return Map.of(
                "internal token", INTERNAL_TOKEN,
                "operator token", OPERATOR_TOKEN,
                "metro's token", METRO_TOKEN,
                "signing key", SIGNING_KEY,
                "credential key", CREDENTIAL_KEY,
                "API key", apiKey,
                "a boot token", "skb1.k1.");
    }

    /** Every row of every table as text; bytes are in hexadecimal. */
    String everyColumn() throws SQLException {
        StringBuilder all = new StringBuilder();
        for (String table : query("select table_name from information_schema.tables where table_schema = 'public'")) {
            query("select t::text from \"" + table + "\" t")
                    .forEach(row -> all.append(table).append(": ").append(row).append('\n'));
        }
        return all.toString();
    }

    /** Every session's workflow as Temporal keeps it. */
    String everyHistory() throws SQLException {
        WorkflowClient client = temporalClient();
        StringBuilder all = new StringBuilder();
        try {
            for (String session : query("select id from sessions")) {
                all.append(client.fetchHistory(session).toJson(true)).append('\n');
            }
        } finally {
            client.getWorkflowServiceStubs().shutdown();
        }
        return all.toString();
    }

    public TestingTemporal temporal() {
        return temporal;
    }

    public WorkflowClient temporalClient() {
        TemporalSettings settings = new TemporalSettings(temporal.target(), "default");
        return settings.client(settings.stubs());
    }

    /** What Prometheus would read of the worker and of the control plane. */
    String metrics() throws IOException, InterruptedException {
        return metrics(workerPort) + "\n" + metrics(controlPlaneObserved);
    }

    private static String metrics(int port) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/actuator/prometheus"))
                                .build(),
                        BodyHandlers.ofString())
                .body();
    }

    /** What every metro lists. */
    public String metroInstances() throws IOException, InterruptedException {
        StringBuilder lists = new StringBuilder();
        for (String metro : metros) {
            lists.append(ask(HttpRequest.newBuilder(instances(metro, "?details=true"))));
        }
        return lists.toString();
    }

    /** Stops a VM at once, as its owner may do past Skerry. */
    void stopInMetro(String vm) throws IOException, InterruptedException {
        ask(HttpRequest.newBuilder(instances(METRO, "/stop"))
                .header("Content-Type", "application/json")
                .PUT(BodyPublishers.ofString("[{\"name\":\"" + vm + "\",\"force\":true}]")));
    }

    private URI instances(String metro, String more) {
        return URI.create("http://127.0.0.1:" + ports.get(metro) + "/v1/instances" + more);
    }

    private static String ask(HttpRequest.Builder request) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(request.header("Authorization", "Bearer " + METRO_TOKEN).build(), BodyHandlers.ofString())
                .body();
    }

    /** The first column of every row. */
    public List<String> query(String sql) throws SQLException {
        List<String> values = new ArrayList<>();
        try (var connection = DriverManager.getConnection(database, "postgres", "");
                var statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                values.add(rows.getString(1));
            }
        }
        return values;
    }

    void execute(String sql) throws SQLException {
        try (var connection = DriverManager.getConnection(database, "postgres", "");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Command lines of this installation's sandboxes. */
    public List<String> sandboxProcesses() throws IOException {
        List<String> found = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path entry : entries) {
                try {
                    Path cwd = Files.readSymbolicLink(entry.resolve("cwd"));
                    if (metros.stream()
                            .anyMatch(metro -> cwd.startsWith(home(metro).resolve(METRO)))) {
                        found.add(entry.getFileName() + " " + Files.readString(entry.resolve("cmdline")));
                    }
                } catch (IOException e) {
                    continue;
                }
            }
        }
        return found;
    }

    public String logs() {
        StringBuilder logs = new StringBuilder();
        roles.values().forEach(role -> logs.append(role.log()));
        return logs.toString();
    }

    @Override
    public void close() {
        List.copyOf(roles.values()).reversed().forEach(RoleProcess::close);
        temporal.close();
    }
}
