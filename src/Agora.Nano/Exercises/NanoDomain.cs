using System.Collections.Immutable;
using Agora.Nano.Functions;
using Agora.Nano.Texts;
using Agora.Nano.WordProblems;

namespace Agora.Nano.Exercises;

/// <summary>One of the three tiny domains: how its exercises and its raw text are written.</summary>
internal abstract class NanoDomain
{
    public static ImmutableArray<NanoDomain> All { get; } = [new WordProblemDomain(), new FunctionDomain(), new TextDomain()];

    public static NanoDomain Of(Domain domain) => All.Single(d => d.Domain == domain);

    public abstract Domain Domain { get; }

    /// <summary>What exercises are about; the meta-prompts' themes.</summary>
    public abstract ImmutableArray<string> Themes { get; }

    /// <summary>An exercise of any part.</summary>
    /// <param name="theme">One of <see cref="Themes"/>; any where null.</param>
    protected abstract Exercise Draw(RandomStream random, Breadth breadth, string? theme);

    /// <summary>A document of the raw text that the base model is pre-trained on: no dialogue, no instruction, no answer format.</summary>
    public abstract string RawText(RandomStream random);

    /// <summary>An exercise of the given part.</summary>
    public Exercise Write(RandomStream random, Part part, Breadth breadth = Breadth.Full, string? theme = null)
    {
        while (true)
        {
            var exercise = Draw(random, breadth, theme);
            if (Parts.Of(exercise.Structure) == part)
                return exercise;
        }
    }

    /// <summary>Exercises of the given part, no two of one structure.</summary>
    public IEnumerable<Exercise> WriteDistinct(RandomStream random, Part part)
    {
        var structures = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var exercise = Write(random, part);
            if (structures.Add(exercise.Structure))
                yield return exercise;
        }
    }
}
