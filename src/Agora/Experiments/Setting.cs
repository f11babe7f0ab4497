using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Agora.Experiments;

/// <summary>What the student is to learn (arXiv:2412.03679, table 1).</summary>
public enum Domain { Math, Code, InstructionFollowing }

/// <summary>The wording given to the generator; each is a folder of text files.</summary>
public enum MetaPromptVariant { Agorabench, Unoptimized, JsonFormat }

/// <summary>A (domain, method) pair, written <c>math/instance_generation</c>.</summary>
public readonly record struct Setting(Domain Domain, GenerationMethod Method) : IComparable<Setting>
{
    /// <summary>The paper's nine settings in its order: by domain, then by method.</summary>
    public static ImmutableArray<Setting> All { get; } = Of(GenerationMethod.Paper);

    /// <summary>Every setting that an experiment can name: methods beyond the paper's come after its own.</summary>
    public static ImmutableArray<Setting> Known => Of(GenerationMethod.All);

    internal static ImmutableArray<Setting> Of(ImmutableArray<GenerationMethod> methods) =>
        [.. from domain in Enum.GetValues<Domain>() from method in methods select new Setting(domain, method)];

    public static bool TryParse(string? text, [NotNullWhen(true)] out Setting setting)
    {
        foreach (var candidate in Known)
        {
            if (candidate.ToString() == text)
            {
                setting = candidate;
                return true;
            }
        }
        setting = default;
        return false;
    }

    /// <summary>The paper's order.</summary>
    public int CompareTo(Setting other) => (Domain, Method).CompareTo((other.Domain, other.Method));

    public static bool operator <(Setting left, Setting right) => left.CompareTo(right) < 0;
    public static bool operator <=(Setting left, Setting right) => left.CompareTo(right) <= 0;
    public static bool operator >(Setting left, Setting right) => left.CompareTo(right) > 0;
    public static bool operator >=(Setting left, Setting right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Domain.Name()}/{Method.Name()}";
}

/// <summary>The snake_case names that files and output use.</summary>
public static class ExperimentNames
{
    public static string Name(this Domain domain) => domain switch
    {
        Domain.Math => "math",
        Domain.Code => "code",
        Domain.InstructionFollowing => "instruction_following",
        _ => throw new ArgumentOutOfRangeException(nameof(domain), domain, null),
    };

    public static string Name(this MetaPromptVariant variant) => variant switch
    {
        MetaPromptVariant.Agorabench => "agorabench",
        MetaPromptVariant.Unoptimized => "unoptimized",
        MetaPromptVariant.JsonFormat => "json_format",
        _ => throw new ArgumentOutOfRangeException(nameof(variant), variant, null),
    };
}
