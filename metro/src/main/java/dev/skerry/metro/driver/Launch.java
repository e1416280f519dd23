package dev.skerry.metro.driver;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What to start, and where its files and its console are.
 *
 * @param name of the instance, the guest's host name
 * @param arguments replace the image's own; empty leaves those
 * @param environment exactly what the sandbox's program sees; holds a secret, so it enters neither argv nor a readable file
 * @param files path to content, of this sandbox alone: below the guest's root where it has one, else below its working directory
 * @param directory the driver's own, exists, readable by the metro's user only, deleted with the instance
 * @param console file to append standard output, standard error and the kernel's words to; may be cut to nothing at any time
 */
public record Launch(
        String name,
        Image image,
        List<String> arguments,
        Map<String, String> environment,
        int memoryMb,
        int vcpus,
        Map<String, byte[]> files,
        Path directory,
        Path console) {
    @Override
    public String toString() {
        return "Launch[" + name + "]";
    }
}
