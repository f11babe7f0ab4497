using System.Collections;
using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Agora.Experiments;

/// <summary>Gives nodes their types. Goes on after a fault, so that one reading finds them all.</summary>
/// <param name="folderOf">The folder that a relative path is meant from, by where it was written.</param>
internal sealed partial class ExperimentReader(List<ExperimentFault> faults, Func<ExperimentPosition, string> folderOf)
{
    /// <returns>Meaningless as soon as there is a fault.</returns>
    public object? Section(Type type, ExperimentNode node, string path)
    {
        if (node is not MapNode map)
            return Fault(node, path, "must be a mapping of keys to values");
        var section = Activator.CreateInstance(type)!;
        var members = ExperimentMember.Of(type);
        foreach (var (key, value) in map.Members)
        {
            var member = members.FirstOrDefault(member => member.Key == key.Text);
            if (member is null)
            {
                var suggestion = NameSuggestion.For(key.Text, members.Select(member => member.Key));
                if (suggestion == "")
                    suggestion = $"; known here: {string.Join(", ", members.Select(member => member.Key))}";
                faults.Add(new ExperimentFault(key.Position, $"{Join(path, key.Text)} is not a known key{suggestion}"));
                continue;
            }
            if (Value(member, value, Join(path, member.Key)) is { } read)
                member.Property.SetValue(section, read);
        }
        foreach (var member in members)
            if (member.Required && map[member.Key] is null)
                faults.Add(new ExperimentFault(map.Position, $"{Join(path, member.Key)} is missing"));
        return section;
    }

    private object? Value(ExperimentMember member, ExperimentNode node, string path)
    {
        if (node is ScalarNode { IsNull: true })
            return Fault(node, path, member.Required ? "must have a value" : "must have a value; delete the key where none is wanted");
        var value = Typed(member.Type, node, path);
        if (value is null)
            return null;
        if (member.Rule<RangeAttribute>() is { } range && !InRange(range, value))
            return Fault(node, path, RangeText(range));
        if (member.Rule<AllowedValuesAttribute>() is { } allowed && !allowed.Values.Contains(value))
            return OneOf(node, path, [.. allowed.Values.Cast<string>()], [.. allowed.Values.Cast<string>()]);
        if (member.Rule<RegularExpressionAttribute>() is { } form && !Regex.IsMatch((string)value, $@"\A(?:{form.Pattern})\z", RegexOptions.CultureInvariant))
        {
            // A key pasted where its variable's name belongs must not reach the terminal or a log.
            if (member.Property.Name == nameof(ModelSpec.ApiKeyVariable))
                return FaultWithoutValue(node, path, "must be the name of an environment variable; the key itself belongs into that variable and into no file");
            return Fault(node, path, $"must match {form.Pattern}");
        }
        if (member.Rule<MinLengthAttribute>() is { } length && ((ICollection)value).Count < length.Length)
            return Fault(node, path, "must not be empty");
        if (value is string { Length: 0 })
            return Fault(node, path, "must not be empty");
        if (member.Rule<FilePathAttribute>() is { } file && !(file.OrDataName && DataName.IsNamed((string)value)))
            return Path.GetFullPath(Path.Combine(folderOf(node.Position), (string)value));
        return value;
    }

    private object? Typed(Type type, ExperimentNode node, string path)
    {
        if (ExperimentMember.IsSection(type))
            return Section(type, node, path);
        if (ExperimentMember.IsList(type))
            return List(type, node, path);
        if (ExperimentMember.IsMap(type))
            return Map(type, node, path);
        if (ExperimentMember.Words(type) is { IsEmpty: false } words)
            return node is ScalarNode { IsText: true } word && ExperimentMember.Parse(type, word.Text) is { } known ? known : OneOf(node, path, words, ExperimentMember.AllWords(type));
        if (type == typeof(string))
        {
            return node is not ScalarNode text ? Fault(node, path, "must be text")
                : text.IsText ? text.Text
                : Fault(node, path, "must be text; put it in quotes if it is meant literally");
        }
        if (type == typeof(bool))
            return node is ScalarNode { IsBoolean: true } truth ? bool.Parse(truth.Text) : Fault(node, path, "must be true or false");
        if (type == typeof(int) || type == typeof(long))
            return Integer(type, node, path);
        if (type == typeof(double))
        {
            return node is ScalarNode { IsNumber: true } number && double.Parse(number.Text, CultureInfo.InvariantCulture) is var value && double.IsFinite(value)
                ? value
                : Fault(node, path, "must be a finite number");
        }
        if (type == typeof(decimal))
        {
            return node is ScalarNode { IsNumber: true } amount && decimal.TryParse(amount.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                ? value
                : Fault(node, path, "must be an amount in dollars");
        }
        throw new InvalidOperationException($"the experiment's records hold a {type}, which the file cannot");
    }

    private object? Integer(Type type, ExperimentNode node, string path)
    {
        if (node is not ScalarNode { IsNumber: true } number || !WholeNumber().IsMatch(number.Text))
            return Fault(node, path, "must be a whole number");
        if (type == typeof(int))
            return int.TryParse(number.Text, CultureInfo.InvariantCulture, out var small) ? small : Fault(node, path, $"must be from {int.MinValue} to {int.MaxValue}");
        return long.TryParse(number.Text, CultureInfo.InvariantCulture, out var large) ? large : Fault(node, path, $"must be from {long.MinValue} to {long.MaxValue}");
    }

    private object? List(Type type, ExperimentNode node, string path)
    {
        if (node is not ListNode list)
            return Fault(node, path, "must be a list");
        var element = type.GetGenericArguments()[0];
        var items = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element))!;
        foreach (var (index, item) in list.Items.Index())
        {
            var value = item is ScalarNode { IsNull: true }
                ? Fault(item, $"{path}[{index}]", "must have a value")
                : Typed(element, item, $"{path}[{index}]");
            if (value is not null)
                items.Add(value);
        }
        return typeof(ImmutableArray).GetMethods()
            .Single(method => method.Name == nameof(ImmutableArray.CreateRange) && method.GetGenericArguments().Length == 1 && method.GetParameters().Length == 1)
            .MakeGenericMethod(element).Invoke(null, [items]);
    }

    private object? Map(Type type, ExperimentNode node, string path)
    {
        if (node is not MapNode map)
            return Fault(node, path, "must be a mapping of names to values");
        var (keyType, valueType) = (type.GetGenericArguments()[0], type.GetGenericArguments()[1]);
        var members = (IDictionary)Activator.CreateInstance(typeof(SortedDictionary<,>).MakeGenericType(keyType, valueType))!;
        foreach (var (key, item) in map.Members)
        {
            var name = keyType == typeof(string) ? key.Text : ExperimentMember.Parse(keyType, key.Text);
            if (name is null)
            {
                var words = ExperimentMember.Words(keyType);
                faults.Add(new ExperimentFault(key.Position,
                    $"{path} has the key {key.Describe()}, which is not {OrList(words)}{NameSuggestion.For(key.Text, ExperimentMember.AllWords(keyType))}"));
                continue;
            }
            var value = item is ScalarNode { IsNull: true } ? Fault(item, Join(path, key.Text), "must have a value") : Typed(valueType, item, Join(path, key.Text));
            if (value is not null)
                members.Add(name, value);
        }
        return typeof(ImmutableSortedDictionary).GetMethods()
            .Single(method => method.Name == nameof(ImmutableSortedDictionary.CreateRange) && method.GetParameters().Length == 1)
            .MakeGenericMethod(keyType, valueType).Invoke(null, [members]);
    }

    private object? OneOf(ExperimentNode node, string path, ImmutableArray<string> words, ImmutableArray<string> known)
    {
        var suggestion = node is ScalarNode { IsText: true } text ? NameSuggestion.For(text.Text, known) : "";
        faults.Add(new ExperimentFault(node.Position, $"{path} must be {OrList(words)}, got {node.Describe()}{suggestion}"));
        return null;
    }

    private object? Fault(ExperimentNode node, string path, string rule)
    {
        faults.Add(new ExperimentFault(node.Position, $"{Subject(path)} {rule}, got {node.Describe()}"));
        return null;
    }

    private object? FaultWithoutValue(ExperimentNode node, string path, string rule)
    {
        faults.Add(new ExperimentFault(node.Position, $"{Subject(path)} {rule}"));
        return null;
    }

    private static bool InRange(RangeAttribute range, object value)
    {
        var number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        var (low, high) = Ends(range);
        return (range.MinimumIsExclusive ? number > low : number >= low) && (range.MaximumIsExclusive ? number < high : number <= high);
    }

    private static string RangeText(RangeAttribute range)
    {
        var (low, high) = Ends(range);
        var lower = string.Create(CultureInfo.InvariantCulture, $"{(range.MinimumIsExclusive ? "above" : "at least")} {low}");
        return high >= int.MaxValue
            ? $"must be {lower}"
            : string.Create(CultureInfo.InvariantCulture, $"must be {lower} and {(range.MaximumIsExclusive ? "below" : "at most")} {high}");
    }

    internal static (double Low, double High) Ends(RangeAttribute range) =>
        (Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture), Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture));

    private static string OrList(ImmutableArray<string> words) =>
        words.Length == 1 ? words[0] : $"{string.Join(", ", words[..^1])} or {words[^1]}";

    private static string Subject(string path) => path == "" ? "an experiment" : path;

    internal static string Join(string path, string key) => path == "" ? key : $"{path}.{key}";

    [GeneratedRegex(@"\A[-+]?[0-9]+\z")]
    private static partial Regex WholeNumber();
}
