package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.Required;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What each driver isolates is what the documentation says, no more and no less. */
@Timeout(240)
class IsolationTest {
    private static final Pattern ANSWER = Pattern.compile("\"id\":\"([A-Z][0-9]{2})\",\"result\":\"([a-z]+)\"");

    @TempDir
    private Path directory;

    @Test
    void aProcessInBubblewrapHoldsWhatIsDocumented() throws Exception {
        Required.server("bubblewrap", bubblewrapWorks(), "bubblewrap is not installed, or not permitted");
        assertThat(answers("process/bubblewrap")).as("process/bubblewrap").isEqualTo(documented("process/bubblewrap"));
    }

    /** The answers of `doctor --sandbox`, with those that may vary replaced by that word. */
    private Map<String, String> answers(String driver, String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("doctor", "--sandbox", "--json", "--offline"));
        arguments.addAll(List.of(options));
        Command.Result doctor =
                Command.run(directory, LocalStack.environment(directory), arguments.toArray(String[]::new));
        return answersIn(doctor, driver);
    }

    static Map<String, String> answersIn(Command.Result doctor, String driver) throws IOException {
        Map<String, String> answers = new LinkedHashMap<>();
        Matcher matcher = ANSWER.matcher(doctor.output());
        while (matcher.find()) {
            answers.put(matcher.group(1), matcher.group(2));
        }
        assertThat(doctor.exitCode()).as(doctor.output()).isZero();
        documented(driver).forEach((id, result) -> {
            if (result.equals("varies")) {
                answers.computeIfPresent(id, (_, found) -> found.equals("fail") ? found : "varies");
            }
        });
        return answers;
    }

    static Map<String, String> documented(String driver) throws IOException {
        List<String> lines = Files.readAllLines(Distribution.root().resolve("docs/isolation.md"));
        List<String> header = lines.stream()
                .filter(line -> line.startsWith("| probe |"))
                .map(IsolationTest::cells)
                .findFirst()
                .orElseThrow();
        int column = header.indexOf(driver);
        Map<String, String> found = new HashMap<>();
        for (String line : lines) {
            if (line.matches("\\| [A-Z][0-9]{2} \\|.*")) {
                found.put(cells(line).getFirst(), cells(line).get(column));
            }
        }
        return found;
    }

    private static List<String> cells(String row) {
        return Arrays.stream(row.substring(1).split("\\|", -1))
                .map(String::strip)
                .toList();
    }

    private static boolean bubblewrapWorks() throws IOException, InterruptedException {
        try {
            return new ProcessBuilder("bwrap", "--unshare-user-try", "--unshare-pid", "--ro-bind", "/", "/", "true")
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
