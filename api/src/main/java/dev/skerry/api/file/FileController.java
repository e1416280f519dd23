package dev.skerry.api.file;

import dev.skerry.api.Listing;
import dev.skerry.api.key.Tenant;
import dev.skerry.api.key.TenantSessions;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Workspace;
import dev.skerry.store.Workspace.FileRow;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.springframework.core.io.InputStreamResource;
import org.springframework.core.io.Resource;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/**
 * Files that an agent wrote.
 *
 * <p>They are hostile: whatever they claim to be, a browser that gets one only ever saves it.
 */
@RestController
class FileController {
    private final TenantSessions owned;
    private final Workspace workspace;
    private final WorkspaceObjects objects;

    FileController(TenantSessions owned, Workspace workspace, WorkspaceObjects objects) {
        this.owned = owned;
        this.workspace = workspace;
        this.objects = objects;
    }

    @GetMapping("/v1/sessions/{id}/files")
    Listing<FileView> list(Tenant tenant, @PathVariable String id) {
        SessionRow session = owned.require(tenant, id);
        return new Listing<>(
                workspace.files(session.id()).stream().map(FileView::of).toList());
    }

    @GetMapping(path = "/v1/sessions/{id}/files/{*path}", produces = MediaType.ALL_VALUE)
    ResponseEntity<Resource> get(Tenant tenant, @PathVariable String id, @PathVariable String path) throws IOException {
        SessionRow session = owned.require(tenant, id);
        WorkspacePath wanted = WorkspacePath.of(path);
        FileRow file = workspace.file(session.id(), wanted.value()).orElseThrow(() -> ApiException.notFound("file"));
        InputStream bytes = objects.open(session.id(), file.sha256())
                .orElseThrow(
                        () -> new ApiException(
                                ProblemCode.UNAVAILABLE,
                                "The file is known but its bytes cannot be read here. Tell the operator to look at skerry.files."));
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_OCTET_STREAM)
                .contentLength(file.size())
                .header(HttpHeaders.CONTENT_DISPOSITION, attachment(wanted))
                .header("Content-Security-Policy", "sandbox; default-src 'none'")
                .body(new InputStreamResource(bytes));
    }

    private static String attachment(WorkspacePath path) {
        return ContentDisposition.attachment()
                .filename(path.name(), StandardCharsets.UTF_8)
                .build()
                .toString();
    }
}
