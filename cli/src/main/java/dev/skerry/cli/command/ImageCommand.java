package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.stack.ImageBuilder;
import dev.skerry.cli.stack.LocalMetro;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes the sandbox image without a registry, and looks into it. */
@Command(
        name = "image",
        description = "Makes the sandbox image, says what is in it, searches it for what must not be there.",
        mixinStandardHelpOptions = true,
        subcommands = {ImageCommand.Build.class, ImageCommand.Inspect.class, ImageCommand.Scan.class})
public final class ImageCommand {
    private ImageCommand() {}

    /** What comes out is JSON on standard output; progress goes to standard error. */
    private static int builder(List<String> arguments) throws InterruptedException {
        Home home = Home.of(System.getenv());
        home.create();
        try {
            return new ProcessBuilder(ImageBuilder.of(home).command(arguments))
                                    .inheritIO()
                                    .start()
                                    .waitFor()
                            == 0
                    ? ExitCode.OK.code()
                    : ExitCode.TURN_FAILED.code();
        } catch (IOException e) {
            throw new Failure(ExitCode.NO_STACK, "The image builder cannot be started.", "Check python3 on PATH.", e);
        }
    }

    private static List<String> arguments(String command, List<String> packages, boolean fresh) {
        List<String> arguments = new ArrayList<>(List.of(command));
        for (String each : packages) {
            arguments.addAll(List.of("--package", each));
        }
        if (fresh) {
            arguments.add("--fresh");
        }
        return arguments;
    }

    @Command(name = "build", description = "Makes the image from Debian's packages.", mixinStandardHelpOptions = true)
    static final class Build implements Callable<Integer> {
        @Option(names = "--docker", description = "Hand it to the Docker Engine.")
        private boolean docker;

        @Option(
                names = "--tag",
                paramLabel = "NAME",
                description = "Its name there; by default " + LocalMetro.IMAGE + ".")
        private @Nullable String tag;

        @Option(names = "--package", paramLabel = "NAME", description = "One more package; may be repeated.")
        private List<String> packages = new ArrayList<>();

        @Option(names = "--fresh", description = "Fetch the packages' newest versions and build again.")
        private boolean fresh;

        @Override
        public Integer call() throws InterruptedException {
            if (tag != null && !docker) {
                throw new Failure(
                        ExitCode.USAGE,
                        "--tag is a name in the Docker Engine, which this build does not reach.",
                        "Add --docker, or leave --tag out.");
            }
            List<String> arguments = arguments(docker ? "docker" : "rootfs", packages, fresh);
            if (docker) {
                arguments.addAll(List.of("--tag", tag == null ? LocalMetro.IMAGE : tag));
            }
            return builder(arguments);
        }
    }

    @Command(
            name = "inspect",
            description = "Prints digest, size and packages of the image as JSON.",
            mixinStandardHelpOptions = true)
    static final class Inspect implements Callable<Integer> {
        @Option(names = "--package", paramLabel = "NAME", description = "As it was built; may be repeated.")
        private List<String> packages = new ArrayList<>();

        @Override
        public Integer call() throws InterruptedException {
            return builder(arguments("inspect", packages, false));
        }
    }

    @Command(
            name = "scan",
            description =
                    "Searches an image for keys, leftovers, privileged files and a readable runtime; exit code 1 if one is found.",
            mixinStandardHelpOptions = true)
    static final class Scan implements Callable<Integer> {
        @Parameters(
                paramLabel = "IMAGE",
                arity = "0..1",
                description = "A name in the Docker Engine, or a tar archive; by default " + LocalMetro.IMAGE + ".")
        private String image = LocalMetro.IMAGE;

        @Override
        public Integer call() throws InterruptedException {
            return builder(List.of("scan", image));
        }
    }
}
