package dev.skerry.api.file;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** The bytes of stored files; read only, because what this process cannot write it cannot spoil. */
interface WorkspaceObjects {
    /** Empty when the object is not there. */
    Optional<InputStream> open(String session, String sha256) throws IOException;
}
