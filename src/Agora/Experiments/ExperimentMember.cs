using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Agora.Experiments;

/// <summary>One key of a section, as reader, writer and schema see it: the record itself is the only place where it is declared.</summary>
internal sealed class ExperimentMember
{
    private static readonly ConcurrentDictionary<Type, ImmutableArray<ExperimentMember>> Known = new();

    /// <summary>The property's name in camelCase.</summary>
    public required string Key { get; init; }
    public required PropertyInfo Property { get; init; }
    public required bool Required { get; init; }
    /// <summary>May be left out and has no default.</summary>
    public required bool Nullable { get; init; }
    /// <summary>Nullability taken off.</summary>
    public required Type Type { get; init; }

    public T? Rule<T>() where T : Attribute => Property.GetCustomAttribute<T>();

    /// <summary>Of a record, in the order of declaration.</summary>
    public static ImmutableArray<ExperimentMember> Of(Type section) => Known.GetOrAdd(section, static type =>
    {
        var nullability = new NullabilityInfoContext();
        return
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                .Where(property => property.CanWrite)
                .OrderBy(property => property.MetadataToken)
                .Select(property => new ExperimentMember
                {
                    Key = char.ToLowerInvariant(property.Name[0]) + property.Name[1..],
                    Property = property,
                    Required = property.IsDefined(typeof(RequiredMemberAttribute)),
                    Nullable = nullability.Create(property).WriteState == NullabilityState.Nullable,
                    Type = System.Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType,
                }),
        ];
    });

    public static bool IsSection(Type type) => type is { IsClass: true, Namespace: "Agora.Experiments" };

    public static bool IsList(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>);

    public static bool IsMap(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableSortedDictionary<,>);

    /// <summary>The words that a value of the type may be; empty where it is free. Of settings the paper's nine, which stand for all: a message with all of them would bury its point.</summary>
    public static ImmutableArray<string> Words(Type type) =>
        type == typeof(Setting) ? [.. Setting.All.Select(setting => setting.ToString())]
        : type.IsEnum ? [.. Enum.GetValues(type).Cast<object>().Select(Word)]
        : [];

    /// <summary>Every word that a value of the type may be, for finding the one that was meant.</summary>
    public static ImmutableArray<string> AllWords(Type type) => type == typeof(Setting) ? [.. Setting.Known.Select(setting => setting.ToString())] : Words(type);

    /// <summary>How files write a value that has a fixed set of words.</summary>
    public static string Word(object value) => value switch
    {
        Setting setting => setting.ToString(),
        Enum => string.Concat(value.ToString()!.Select((letter, at) =>
            char.IsUpper(letter) && at > 0 ? "_" + char.ToLowerInvariant(letter) : char.ToLowerInvariant(letter).ToString(CultureInfo.InvariantCulture))),
        _ => throw new ArgumentException($"{value.GetType()} has no fixed words", nameof(value)),
    };

    /// <returns>Null where the word is none of the type's.</returns>
    public static object? Parse(Type type, string word) =>
        type == typeof(Setting)
            ? Setting.TryParse(word, out var setting) ? setting : null
            : Enum.GetValues(type).Cast<object>().FirstOrDefault(value => Word(value) == word);
}
