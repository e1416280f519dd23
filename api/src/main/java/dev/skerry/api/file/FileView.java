package dev.skerry.api.file;

import dev.skerry.store.Workspace.FileRow;
import java.time.Instant;

/** A file as people see it; {@code size} in bytes. */
record FileView(String path, long size, String sha256, Instant updatedAt) {
    static FileView of(FileRow row) {
        return new FileView(row.path(), row.size(), row.sha256(), row.changedAt());
    }
}
