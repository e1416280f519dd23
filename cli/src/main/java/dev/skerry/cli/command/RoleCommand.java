package dev.skerry.cli.command;

import dev.skerry.api.ApiApplication;
import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.stack.LocalMetro;
import dev.skerry.cli.terminal.Interrupts;
import dev.skerry.controlplane.ControlPlaneApplication;
import dev.skerry.metro.FaultySettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.qemu.Door;
import dev.skerry.worker.WorkerApplication;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;

/** One role in this process, as production runs it; settings come from the environment. */
public final class RoleCommand {
    /** A role tells its operator on standard output what it does; whoever runs it collects that. */
    private static final String LOGGED = "logback-role.xml";

    private RoleCommand() {}

    private static int serve(SpringApplication role) throws InterruptedException {
        if (System.getenv("LOGGING_CONFIG") == null) {
            System.setProperty("logging.config", "classpath:" + LOGGED);
        }
        CountDownLatch end = new CountDownLatch(1);
        Interrupts.handle(_ -> end.countDown());
        role.setRegisterShutdownHook(false);
        try (ConfigurableApplicationContext _ = role.run()) {
            end.await();
        } catch (RuntimeException e) {
            Throwable root = e;
            while (root.getCause() != null) {
                root = root.getCause();
            }
            throw new Failure(
                    ExitCode.NO_STACK, "This role does not start: " + root.getMessage(), "Correct that setting.", e);
        }
        return ExitCode.OK.code();
    }

    /** The process for people. */
    @Command(name = "api", description = "Runs the api role.", mixinStandardHelpOptions = true)
    public static final class Api implements Callable<Integer> {
        @Override
        public Integer call() throws InterruptedException {
            return serve(ApiApplication.application());
        }
    }

    /** The process that polls Temporal. */
    @Command(name = "worker", description = "Runs the worker role.", mixinStandardHelpOptions = true)
    public static final class Worker implements Callable<Integer> {
        @Override
        public Integer call() throws InterruptedException {
            return serve(WorkerApplication.application());
        }
    }

    /** The process that sandboxes talk to. */
    @Command(name = "control-plane", description = "Runs the control plane role.", mixinStandardHelpOptions = true)
    public static final class ControlPlane implements Callable<Integer> {
        @Override
        public Integer call() throws InterruptedException {
            return serve(ControlPlaneApplication.application());
        }
    }

    /** A metro on this machine. */
    @Command(
            name = "metro",
            description = {
                "Runs a Unikraft-Cloud-compatible metro on this machine.",
                "SKERRY_METRO_TOKEN names its secret, SKERRY_METRO_PORT its port (7076).",
                "SKERRY_METRO_DRIVER=qemu makes sandboxes micro-VMs, whose only door leads to SKERRY_METRO_DOOR, as HOST:PORT.",
                "SKERRY_METRO_ON_STOP=keep lets its sandboxes outlive it, to be found again at its next start.",
                "SKERRY_METRO_FAULTS_TOKEN opens fault injection on SKERRY_METRO_FAULTS_PORT, for tests only."
            },
            mixinStandardHelpOptions = true)
    public static final class Metro implements Callable<Integer> {
        @Override
        public Integer call() throws InterruptedException, IOException {
            String token = System.getenv().getOrDefault("SKERRY_METRO_TOKEN", "");
            if (token.isBlank()) {
                throw new Failure(
                        ExitCode.USAGE,
                        "The metro has no token.",
                        "Set SKERRY_METRO_TOKEN to a secret that workers share.");
            }
            System.setProperty("logback.configurationFile", LOGGED);
            Home home = Home.of(System.getenv());
            home.create();
            CountDownLatch end = new CountDownLatch(1);
            Interrupts.handle(_ -> end.countDown());
            try (MetroServer metro = MetroServer.start(configuration(home, token))) {
                System.out.println("Metro on port " + metro.port() + ", sandboxes are " + metro.isolation());
                if (metro.faultPort() != 0) {
                    System.out.println("Faults are injected through port " + metro.faultPort());
                }
                end.await();
            }
            return ExitCode.OK.code();
        }

        private static MetroConfiguration configuration(Home home, String token) throws IOException {
            String onStop = setting("ON_STOP", "end");
            if (!onStop.equals("end") && !onStop.equals("keep")) {
                throw new Failure(ExitCode.USAGE, "SKERRY_METRO_ON_STOP is '" + onStop + "'.", "Say end or keep.");
            }
            MetroConfiguration configuration = sandboxes(home, token)
                    .withPort(port("PORT", "7076"))
                    .withStopSandboxesOnClose(onStop.equals("end"));
            String faults = setting("FAULTS_TOKEN", "");
            return faults.isBlank()
                    ? configuration
                    : configuration.withFaulty(new FaultySettings(
                            port("FAULTS_PORT", "0"),
                            faults,
                            setting("FAULTS", ""),
                            Long.parseLong(setting("FAULTS_SEED", "0"))));
        }

        private static MetroConfiguration sandboxes(Home home, String token) throws IOException {
            String driver = setting("DRIVER", "process");
            return switch (driver) {
                case "process" -> LocalMetro.configuration(home, token);
                case "qemu" -> LocalMetro.microVms(home, token, door(), System.out::println);
                default ->
                    throw new Failure(
                            ExitCode.USAGE, "SKERRY_METRO_DRIVER is '" + driver + "'.", "Say process or qemu.");
            };
        }

        private static Door door() {
            String text = setting("DOOR", "");
            int colon = text.lastIndexOf(':');
            try {
                return new Door(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
            } catch (IllegalArgumentException | StringIndexOutOfBoundsException e) {
                throw new Failure(
                        ExitCode.USAGE,
                        "SKERRY_METRO_DOOR is '" + text + "'.",
                        "Set it to the host and the port at which the control plane answers sandboxes.",
                        e);
            }
        }

        private static int port(String name, String otherwise) {
            String text = setting(name, otherwise);
            if (!text.matches("\\d{1,5}") || Integer.parseInt(text) > 65535) {
                throw new Failure(
                        ExitCode.USAGE,
                        "SKERRY_METRO_" + name + " is '" + text + "'.",
                        "Set it to a port number, 0 for any free one.");
            }
            return Integer.parseInt(text);
        }

        private static String setting(String name, String otherwise) {
            return System.getenv().getOrDefault("SKERRY_METRO_" + name, otherwise);
        }
    }
}
