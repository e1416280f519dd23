package dev.skerry.api.file;

import dev.skerry.session.SessionId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Objects in a directory that the control plane writes. */
class DirectoryObjects implements WorkspaceObjects {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private final @Nullable Path directory;

    DirectoryObjects(@Nullable Path directory) {
        this.directory = directory;
    }

    @Override
    public Optional<InputStream> open(String session, String sha256) throws IOException {
        if (directory == null
                || !SessionId.valid(session)
                || !SHA256.matcher(sha256).matches()) {
            return Optional.empty();
        }
        Path object = directory.resolve(session).resolve(sha256);
        return Files.isRegularFile(object, LinkOption.NOFOLLOW_LINKS)
                ? Optional.of(Files.newInputStream(object, LinkOption.NOFOLLOW_LINKS))
                : Optional.empty();
    }
}
