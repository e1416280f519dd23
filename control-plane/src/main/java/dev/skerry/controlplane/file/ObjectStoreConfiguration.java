package dev.skerry.controlplane.file;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneSettings.Files;
import dev.skerry.store.object.DirectoryObjectStore;
import dev.skerry.store.object.ObjectStore;
import dev.skerry.store.object.S3ObjectStore;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Chooses where the bytes of workspaces are kept. */
@Configuration(proxyBeanMethods = false)
class ObjectStoreConfiguration {
    @Bean
    ObjectStore objectStore(ControlPlaneSettings settings) {
        Files files = settings.files();
        return files.s3() == null
                ? new DirectoryObjectStore(files.root())
                : new S3ObjectStore(files.s3(), files.direct());
    }
}
