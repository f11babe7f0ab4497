using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Agora.Experiments;

/// <summary>How the generator makes data, by name: the paper's three methods (arXiv:2412.03679, section 2), those that Agora adds, and a user's own.</summary>
/// <remarks>A name is all that experiments, keys and reports know of a method; what it does is a class in DataGeneration.</remarks>
public readonly partial record struct GenerationMethod : IComparable<GenerationMethod>
{
    private static readonly Lock Adding = new();
    private static ImmutableArray<(string Name, bool NeedsSeeds)> known = [];

    private readonly int number;

    private GenerationMethod(int number) => this.number = number;

    public static GenerationMethod InstanceGeneration { get; } = Add("instance_generation");
    public static GenerationMethod ResponseGeneration { get; } = Add("response_generation");
    public static GenerationMethod QualityEnhancement { get; } = Add("quality_enhancement");
    public static GenerationMethod EvolInstruct { get; } = Add("evol_instruct");
    public static GenerationMethod PersonaDriven { get; } = Add("persona_driven");
    public static GenerationMethod SelfSynthesis { get; } = Add("self_synthesis", needsSeeds: false);
    public static GenerationMethod BackTranslation { get; } = Add("back_translation");
    public static GenerationMethod BestOfN { get; } = Add("best_of_n");

    /// <summary>The paper's, in its order.</summary>
    public static ImmutableArray<GenerationMethod> Paper { get; } = [InstanceGeneration, ResponseGeneration, QualityEnhancement];

    /// <summary>Those that come with Agora; a user's own are not among them.</summary>
    public static ImmutableArray<GenerationMethod> Shipped { get; } = All;

    public static ImmutableArray<GenerationMethod> All => [.. Enumerable.Range(0, known.Length).Select(number => new GenerationMethod(number))];

    /// <summary>Whether a setting of this method must have seed data.</summary>
    public bool NeedsSeeds => known[number].NeedsSeeds;

    /// <summary>Makes a name known to experiments; the same name again is the same method.</summary>
    /// <param name="name">snake_case.</param>
    public static GenerationMethod Add(string name, bool needsSeeds = true)
    {
        if (!NameForm().IsMatch(name)) throw new ArgumentException($"\"{name}\" is not a name in snake_case", nameof(name));
        lock (Adding)
        {
            var number = known.IndexOf((name, needsSeeds));
            if (number >= 0) return new GenerationMethod(number);
            if (known.Any(method => method.Name == name)) throw new ArgumentException($"\"{name}\" is known already, with another need of seeds", nameof(name));
            known = known.Add((name, needsSeeds));
            return new GenerationMethod(known.Length - 1);
        }
    }

    /// <summary>The snake_case name that files and output use.</summary>
    public string Name() => known[number].Name;

    /// <summary>The paper's three first, then in the order of adding.</summary>
    public int CompareTo(GenerationMethod other) => number.CompareTo(other.number);

    public static bool operator <(GenerationMethod left, GenerationMethod right) => left.number < right.number;
    public static bool operator <=(GenerationMethod left, GenerationMethod right) => left.number <= right.number;
    public static bool operator >(GenerationMethod left, GenerationMethod right) => left.number > right.number;
    public static bool operator >=(GenerationMethod left, GenerationMethod right) => left.number >= right.number;

    public override string ToString() => Name();

    [GeneratedRegex(@"\A[a-z][a-z0-9]*(_[a-z0-9]+)*\z")]
    private static partial Regex NameForm();
}
