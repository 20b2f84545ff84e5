package eshybrid;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.lucene.util.ResourceLoaderAware;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;

/** A line of {@link Tables}: a component of an analyzer that a factory of Lucene builds. */
record Component(String name, String flags, String lucene, List<Parameter> parameters) {
    /** A kind that translates values -> the values it accepts -> Lucene's. */
    private static final Map<String, Map<String, String>> VALUES = Map.of(
        "bool", Map.of("true", "true", "false", "false"),
        "bit", Map.of("true", "1", "false", "0"),
        "all", Map.of("true", "all", "false", "first"),
        "include", Map.of("include", "true", "exclude", "false"));

    /** A kind that chooses another factory -> its value -> Lucene's name. */
    private static final Map<String, Map<String, String>> FACTORIES = Map.of(
        "lowercase", Tables.pairs(Tables.LOWERCASE),
        "stemmer", Tables.pairs(Tables.STEMMERS));

    private static final Pattern PARAMETER =
        Pattern.compile("(?<name>\\w+)(=(?<lucene>\\w+))?(:(?<kind>\\w+))?(!(?<preset>.+))?");
    private static final Pattern FACTORY = Pattern.compile("(\\w+)(?:\\((\\w+)=(\\w+)\\))?");

    /** Elasticsearch's name, Lucene's, the kind ("" copies it), and the default or null. */
    record Parameter(String name, String lucene, String kind, String preset) {
        /** Whether it is a list of words, which may also be in a file: `name_path`. */
        boolean isWords() {
            return Words.FORMATS.containsKey(kind);
        }

        Stream<String> keys() {
            return isWords() ? Stream.of(name, name + "_path") : Stream.of(name);
        }

        static Parameter read(String text) {
            Matcher found = PARAMETER.matcher(text);
            if (!found.matches()) {
                throw new IllegalStateException(text);
            }
            String name = found.group("name");
            String lucene = found.group("lucene");
            String kind = found.group("kind");
            return new Parameter(
                name,
                lucene == null ? camelCase(name) : lucene,
                kind == null ? "" : kind,
                found.group("preset"));
        }
    }

    /** Builds Elasticsearch's factory from a component with its parameters. */
    interface Build<T> {
        T from(Configured configured) throws IOException;
    }

    static List<Component> read(String table) {
        return table.lines().map(line -> {
            String[] columns = line.split(" +");
            List<Parameter> parameters =
                Arrays.stream(columns).skip(3).map(Parameter::read).toList();
            return new Component(columns[0], columns[1], columns[2], parameters);
        }).toList();
    }

    <T> AnalysisProvider<T> provider(Build<T> build) {
        AnalysisProvider<T> provider = (index, environment, name, settings) ->
            build.from(configure(index, environment, name, settings));
        return has('r') ? AnalysisPlugin.requiresAnalysisSettings(provider) : provider;
    }

    boolean has(char flag) {
        return flags.indexOf(flag) >= 0;
    }

    private Configured configure(
            IndexSettings index, Environment environment, String name, Settings settings) {
        Set<String> known = parameters.stream()
            .flatMap(Parameter::keys)
            .collect(Collectors.toCollection(TreeSet::new));
        refuseOthers(name, settings, known);
        if (has('r') && known.stream().noneMatch(settings::hasValue)) {
            throw new IllegalArgumentException("[" + name + "] requires one of " + known);
        }
        Words words = new Words(environment);
        Map<String, String> arguments = new HashMap<>();
        String factory = lucene;
        for (Parameter parameter : parameters) {
            String key = parameter.name();
            String value = settings.get(key, parameter.preset());
            if (parameter.isWords()) {
                words.read(parameter, settings).ifPresent(
                    resource -> arguments.put(parameter.lucene(), resource));
            } else if (value != null && FACTORIES.containsKey(parameter.kind())) {
                factory = choose(name, key, snakeCase(value), FACTORIES.get(parameter.kind()));
            } else if (value != null) {
                arguments.putAll(translated(name, parameter, value, settings.getAsList(key)));
            }
        }
        Matcher fixed = FACTORY.matcher(factory);
        if (fixed.matches() && fixed.group(2) != null) {
            arguments.put(fixed.group(2), fixed.group(3));
        }
        return new Configured(this, index, name, fixed.group(1), arguments, words);
    }

    /** A value as arguments of Lucene's factory. */
    private static Map<String, String> translated(
            String name, Parameter parameter, String value, List<String> values) {
        String kind = parameter.kind();
        if (VALUES.containsKey(kind)) {
            String chosen = choose(name, parameter.name(), value, VALUES.get(kind));
            return Map.of(parameter.lucene(), chosen);
        }
        return switch (kind) {
            case "list" -> Map.of(parameter.lucene(), String.join(",", values));
            case "off" -> values.stream().collect(Collectors.toMap(off -> off, off -> "false"));
            case "capital" -> Map.of(parameter.lucene(), capitalized(value));
            default -> Map.of(parameter.lucene(), value);
        };
    }

    /** Refuses parameters that would otherwise be ignored. */
    static void refuseOthers(String name, Settings settings, Set<String> known) {
        Set<String> others = new TreeSet<>(settings.keySet());
        others.remove("type");
        others.removeAll(known);
        // A component that the index only names gets the settings of the index.
        others.removeIf(other -> other.startsWith("index."));
        if (!others.isEmpty()) {
            throw new IllegalArgumentException(
                "[" + name + "] has parameters that the embedded node does not support: " + others);
        }
    }

    private static String choose(
            String name, String parameter, String value, Map<String, String> values) {
        if (!values.containsKey(value)) {
            throw new IllegalArgumentException("[" + name + "] has [" + parameter + "] = [" + value
                + "], but the embedded node supports only " + new TreeSet<>(values.keySet()));
        }
        return values.get(value);
    }

    private static String camelCase(String name) {
        return Pattern.compile("_(.)").matcher(name)
            .replaceAll(found -> found.group(1).toUpperCase(Locale.ROOT));
    }

    private static String capitalized(String name) {
        return name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
    }

    /** Elasticsearch also accepts `lightGerman`, and capitals. */
    private static String snakeCase(String name) {
        return name.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
    }

    /** A component with the parameters of an index, in Lucene's terms. */
    record Configured(
            Component component,
            IndexSettings index,
            String name,
            String lucene,
            Map<String, String> arguments,
            Words words) {
        /** Lucene's factory. It takes its arguments out of the map that it is given. */
        <F> F create(BiFunction<String, Map<String, String>, F> forName) throws IOException {
            F factory = forName.apply(lucene, new HashMap<>(arguments));
            if (factory instanceof ResourceLoaderAware aware) {
                aware.inform(words);
            }
            return factory;
        }

        /** The same, with another value of an argument. */
        Configured with(String argument, String value) {
            Map<String, String> others = new HashMap<>(arguments);
            others.put(argument, value);
            return new Configured(component, index, name, lucene, others, words);
        }
    }
}
