package dev.skerry.api.openapi;

import dev.skerry.api.ApiSettings;
import dev.skerry.api.key.Tenant;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.utils.SpringDocUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Describes this API from its controllers, with the names that travel instead of those in the code. */
@Configuration(proxyBeanMethods = false)
class OpenApiConfiguration {
    private static final String SCHEME = "api_key";
    private static final Pattern HUMP = Pattern.compile("([a-z0-9])([A-Z])");

    static {
        SpringDocUtils.getConfig().addRequestWrapperToIgnore(Tenant.class);
    }

    @Bean
    OpenAPI description(ApiSettings settings) {
        return new OpenAPI()
                .info(new Info()
                        .title("Skerry")
                        .version(settings.version())
                        .description("Sessions of AI agents, each in a disposable micro-VM of its own."))
                .components(new Components()
                        .addSecuritySchemes(
                                SCHEME,
                                new SecurityScheme()
                                        .type(SecurityScheme.Type.HTTP)
                                        .scheme("bearer")))
                .addSecurityItem(new SecurityRequirement().addList(SCHEME));
    }

    @Bean
    OpenApiCustomizer snakeCase() {
        return description -> description.getComponents().getSchemas().values().forEach(OpenApiConfiguration::rename);
    }

    @SuppressWarnings({"rawtypes", "unchecked"})
    private static void rename(Schema schema) {
        Map<String, Schema> properties = schema.getProperties();
        if (properties == null) {
            return;
        }
        Map<String, Schema> renamed = new LinkedHashMap<>();
        properties.forEach((name, property) ->
                renamed.put(HUMP.matcher(name).replaceAll("$1_$2").toLowerCase(Locale.ROOT), property));
        schema.setProperties(renamed);
    }
}
