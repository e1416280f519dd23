package dev.skerry.api.file;

import dev.skerry.store.object.S3ObjectStore;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Reads the bytes of workspaces from where the control plane keeps them. */
@Configuration(proxyBeanMethods = false)
class ObjectsConfiguration {
    @Bean
    WorkspaceObjects workspaceObjects(FilesSettings settings) {
        return settings.s3() == null
                ? new DirectoryObjects(settings.directory())
                : new S3ObjectStore(settings.s3(), false)::open;
    }
}
