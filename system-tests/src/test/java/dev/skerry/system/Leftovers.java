package dev.skerry.system;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds processes that were started for a directory: they name it in their command line or environment, or work in it. */
final class Leftovers {
    private Leftovers() {}

    /** Their ids and command lines. */
    static List<String> of(Path directory) throws IOException {
        List<String> found = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path entry : entries) {
                String pid = entry.getFileName().toString();
                if (!pid.equals(Long.toString(ProcessHandle.current().pid())) && concerns(entry, directory)) {
                    found.add(pid + " " + read(entry.resolve("cmdline")).replace('\0', ' '));
                }
            }
        }
        return found;
    }

    private static boolean concerns(Path process, Path directory) {
        return read(process.resolve("cmdline")).contains(directory.toString())
                || read(process.resolve("environ")).contains(directory.toString())
                || worksIn(process, directory);
    }

    private static boolean worksIn(Path process, Path directory) {
        try {
            return Files.readSymbolicLink(process.resolve("cwd")).startsWith(directory);
        } catch (IOException e) {
            return false;
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
