package dev.skerry.metro.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;

/**
 * What identifies a process for as long as the machine runs, kept in a file to find it again.
 *
 * @param startTicks from field 22 of /proc/pid/stat, since process ids are used again
 */
public record LocalProcess(long pid, long startTicks) {
    private static final int STATE = 0;
    private static final int USER_TICKS = 11;
    private static final int SYSTEM_TICKS = 12;
    private static final int START_TICKS = 19;
    private static final int RESIDENT_PAGES = 21;
    private static final long TICK_MILLIS = 10;
    private static final long PAGE = 4096;

    /** The identity of a process that runs now; empty when there is none of that id. */
    public static Optional<LocalProcess> of(long pid) {
        return fields(pid).map(fields -> new LocalProcess(pid, Long.parseLong(fields[START_TICKS])));
    }

    /** Neither ended nor replaced by another process of the same id. */
    public boolean alive() {
        return fields(pid)
                .filter(fields -> Long.parseLong(fields[START_TICKS]) == startTicks)
                .filter(fields -> !fields[STATE].equals("Z") && !fields[STATE].equals("X"))
                .isPresent();
    }

    /** What this one process takes, without its children. */
    public Usage usage() {
        return fields(pid)
                .filter(fields -> Long.parseLong(fields[START_TICKS]) == startTicks)
                .map(fields -> new Usage(
                        Long.parseLong(fields[RESIDENT_PAGES]) * PAGE,
                        Duration.ofMillis((Long.parseLong(fields[USER_TICKS]) + Long.parseLong(fields[SYSTEM_TICKS]))
                                * TICK_MILLIS)))
                .orElse(Usage.NONE);
    }

    public void writeTo(Path file) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(fresh, pid + " " + startTicks);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Empty when there is no such file or it does not hold an identity. */
    public static Optional<LocalProcess> readFrom(Path file) {
        try {
            String[] words = Files.readString(file).strip().split(" ", -1);
            return words.length == 2
                    ? Optional.of(new LocalProcess(Long.parseLong(words[0]), Long.parseLong(words[1])))
                    : Optional.empty();
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** The fields of /proc/pid/stat from the third on; source: proc(5). */
    private static Optional<String[]> fields(long pid) {
        try {
            String line = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return Optional.of(line.substring(line.lastIndexOf(')') + 2).split(" ", -1));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
