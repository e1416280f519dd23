package dev.skerry.system;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows between the parts, and what workflow code may touch. */
@AnalyzeClasses(packages = "dev.skerry", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String SESSION = "dev.skerry.session..";
    private static final String REAPER = "dev.skerry.reaper..";
    private static final String TEMPORAL = "dev.skerry.temporal..";
    private static final String ACTIVITIES = "dev.skerry.activities..";
    private static final String WORKER = "dev.skerry.worker..";
    private static final String STORE = "dev.skerry.store..";
    private static final String CONTROL_PLANE = "dev.skerry.controlplane..";
    private static final String API = "dev.skerry.api..";
    private static final String METRO = "dev.skerry.metro..";
    private static final String CLI = "dev.skerry.cli..";

    @ArchTest
    static final ArchRule workflowsKnowNobody = noClasses()
            .that()
            .resideInAnyPackage(SESSION, REAPER, TEMPORAL)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ACTIVITIES, WORKER, STORE, CONTROL_PLANE, API, METRO, CLI)
            .because("the domain is what every other part is built on, and a replay needs nothing else");

    @ArchTest
    static final ArchRule workflowsDoNoInputOrOutput = noClasses()
            .that()
            .resideInAnyPackage(SESSION, REAPER)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "java.io..", "java.net..", "java.nio..", "java.sql..", "org.springframework..", "okhttp3..")
            .because("a replay must decide the same with no network, file or framework there");

    @ArchTest
    static final ArchRule workflowsAreDeterministic = noClasses()
            .that()
            .resideInAPackage(SESSION)
            .and()
            .doNotHaveSimpleName("Ulid")
            .should()
            .callMethod(java.time.Instant.class, "now")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(Thread.class, "sleep", long.class)
            .orShould()
            .dependOnClassesThat()
            .haveFullyQualifiedName("java.util.Random")
            .orShould()
            .dependOnClassesThat()
            .haveFullyQualifiedName("java.security.SecureRandom")
            .orShould()
            .dependOnClassesThat()
            .haveFullyQualifiedName("java.util.UUID")
            .because("time, chance and threads come from Temporal, or a replay takes another path than history did");

    @ArchTest
    static final ArchRule activitiesKnowOnlyWorkflows = noClasses()
            .that()
            .resideInAPackage(ACTIVITIES)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(WORKER, STORE, CONTROL_PLANE, API, METRO, CLI)
            .because("a driver is reached over a network, never by a call");

    @ArchTest
    static final ArchRule workersHoldNoContent = noClasses()
            .that()
            .resideInAPackage(WORKER)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(STORE, CONTROL_PLANE, API, METRO, CLI)
            .because("a worker moves lifecycles and must not be able to read a conversation");

    @ArchTest
    static final ArchRule theStoreKnowsNobody = noClasses()
            .that()
            .resideInAPackage(STORE)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(SESSION, TEMPORAL, ACTIVITIES, WORKER, CONTROL_PLANE, API, METRO, CLI)
            .because("it is the bottom of the table");

    @ArchTest
    static final ArchRule apiAndControlPlaneNeverCallEachOther = noClasses()
            .that()
            .resideInAnyPackage(API)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(CONTROL_PLANE, ACTIVITIES, WORKER, METRO, CLI)
            .because("they meet in the store and in Temporal; what people reach must not hold what sandboxes reach");

    @ArchTest
    static final ArchRule theControlPlaneStartsNothing = noClasses()
            .that()
            .resideInAPackage(CONTROL_PLANE)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(API, ACTIVITIES, WORKER, METRO, CLI)
            .because("it holds every secret and therefore depends on as little as it can");

    @ArchTest
    static final ArchRule theMetroKnowsNothingOfTheRest = noClasses()
            .that()
            .resideInAPackage(METRO)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(SESSION, TEMPORAL, ACTIVITIES, WORKER, STORE, CONTROL_PLANE, API, CLI)
            .because("it could be a product of its own");

    @ArchTest
    static final ArchRule onlyTheStoreKnowsSql = noClasses()
            .that()
            .resideOutsideOfPackage(STORE)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.springframework.jdbc..", "org.postgresql..", "org.flywaydb..")
            .because("one module owns the schema");

    @ArchTest
    static final ArchRule everybodyUsesTheSameJson = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("com.fasterxml.jackson.databind..", "com.google.gson..")
            .because("two JSON mappers on one wire disagree sooner or later");

    @ArchTest
    static final ArchRule implementationsAreNamedAfterWhatTheyAre = classes()
            .that()
            .haveSimpleNameEndingWith("Impl")
            .should()
            .resideInAnyPackage(SESSION, REAPER)
            .because("only Temporal's own workflow triplet has an Impl");
}
