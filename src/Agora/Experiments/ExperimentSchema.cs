using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Agora.Experiments;

/// <summary>The JSON Schema of experiment files, for editors; generated from the record, so that it cannot lag behind.</summary>
public static partial class ExperimentSchema
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="documentation">The compiler's XML documentation of this assembly: its summaries become descriptions.</param>
    /// <returns>JSON Schema 2020-12, ending in a line feed.</returns>
    public static string Write(XDocument documentation)
    {
        var summaries = documentation.Descendants("member")
            .Where(member => member.Element("summary") is not null)
            .ToDictionary(member => member.Attribute("name")!.Value, member => Plain(member.Element("summary")!));
        var definitions = new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        var root = Section(typeof(Experiment), summaries, definitions);
        var schema = new JsonObject { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["title"] = "Agora experiment" };
        foreach (var (key, value) in root.ToList())
        {
            root.Remove(key);
            schema[key] = value;
        }
        schema["$defs"] = new JsonObject(definitions.Select(definition => KeyValuePair.Create(definition.Key, (JsonNode?)definition.Value)));
        return schema.ToJsonString(Layout) + "\n";
    }

    private static JsonObject Section(Type type, Dictionary<string, string> summaries, SortedDictionary<string, JsonObject> definitions)
    {
        var defaults = Activator.CreateInstance(type)!;
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var member in ExperimentMember.Of(type))
        {
            var schema = Value(member.Type, summaries, definitions);
            if (summaries.TryGetValue($"P:{type.FullName}.{member.Property.Name}", out var summary))
                schema["description"] = summary;
            Rules(member, schema);
            if (member.Required)
                required.Add(member.Key);
            else if (member.Property.GetValue(defaults) is { } value && Default(value) is { } written)
                schema["default"] = written;
            properties[member.Key] = schema;
        }
        var section = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (summaries.TryGetValue($"T:{type.FullName}", out var purpose))
            section["description"] = purpose;
        if (required.Count > 0)
            section["required"] = required;
        return section;
    }

    private static JsonObject Value(Type type, Dictionary<string, string> summaries, SortedDictionary<string, JsonObject> definitions)
    {
        if (ExperimentMember.IsSection(type))
        {
            if (!definitions.ContainsKey(type.Name))
            {
                definitions[type.Name] = [];     // a record that holds itself would not end
                definitions[type.Name] = Section(type, summaries, definitions);
            }
            return new JsonObject { ["$ref"] = $"#/$defs/{type.Name}" };
        }
        if (ExperimentMember.IsList(type))
            return new JsonObject { ["type"] = "array", ["items"] = Value(type.GetGenericArguments()[0], summaries, definitions) };
        if (ExperimentMember.IsMap(type))
        {
            var map = new JsonObject { ["type"] = "object", ["additionalProperties"] = Value(type.GetGenericArguments()[1], summaries, definitions) };
            if (Words(type.GetGenericArguments()[0]) is { IsEmpty: false } keys)
                map["propertyNames"] = OneOf(keys);
            return map;
        }
        if (Words(type) is { IsEmpty: false } words)
            return OneOf(words);
        return new JsonObject
        {
            ["type"] = type == typeof(string) ? "string" : type == typeof(bool) ? "boolean" : type == typeof(int) || type == typeof(long) ? "integer" : "number",
        };
    }

    // The schema that is shipped knows the methods that are; a user's own are known to the program that adds them.
    private static ImmutableArray<string> Words(Type type) =>
        type == typeof(Setting) ? [.. Setting.Of(GenerationMethod.Shipped).Select(setting => setting.ToString())] : ExperimentMember.Words(type);

    private static void Rules(ExperimentMember member, JsonObject schema)
    {
        if (member.Type == typeof(string))
            schema["minLength"] = 1;
        if (member.Rule<RangeAttribute>() is { } range)
        {
            var (low, high) = ExperimentReader.Ends(range);
            schema[range.MinimumIsExclusive ? "exclusiveMinimum" : "minimum"] = low;
            if (high < int.MaxValue)
                schema[range.MaximumIsExclusive ? "exclusiveMaximum" : "maximum"] = high;
        }
        if (member.Rule<AllowedValuesAttribute>() is { } allowed)
            schema["enum"] = new JsonArray([.. allowed.Values.Select(value => (JsonNode)(string)value!)]);
        if (member.Rule<RegularExpressionAttribute>() is { } form)
            schema["pattern"] = $"^(?:{form.Pattern})$";
        if (member.Rule<MinLengthAttribute>() is { } length)
            schema["minItems"] = length.Length;
    }

    // Sections have their defaults at their own keys.
    private static JsonNode? Default(object value) => value switch
    {
        string text => text,
        bool truth => truth,
        int number => number,
        long number => number,
        double number => number,
        decimal number => number,
        Enum => ExperimentMember.Word(value),
        ImmutableArray<string> list => new JsonArray([.. list.Select(item => (JsonNode)item)]),
        ImmutableArray<long> list => new JsonArray([.. list.Select(item => (JsonNode)item)]),
        _ => null,
    };

    private static JsonObject OneOf(ImmutableArray<string> words) => new() { ["enum"] = new JsonArray([.. words.Select(word => (JsonNode)word)]) };

    private static string Plain(XElement summary)
    {
        foreach (var reference in summary.Descendants("see").ToList())
            reference.ReplaceWith(Named(reference.Attribute("cref")?.Value) ?? reference.Value);
        return Spaces().Replace(summary.Value, " ").Trim();
    }

    // A property is named as the file writes it.
    private static string? Named(string? reference) =>
        reference?.Split('.')[^1] is not { } name ? null
        : reference.StartsWith("P:", StringComparison.Ordinal) ? char.ToLowerInvariant(name[0]) + name[1..]
        : name;

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
