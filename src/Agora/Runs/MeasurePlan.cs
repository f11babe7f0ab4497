using System.Collections.Immutable;
using Agora.DataGeneration.Filters;
using Agora.Experiments;

namespace Agora.Runs;

/// <summary>What a <see cref="MeasureStep"/> measures: one step each, so that another judge measures nothing else anew.</summary>
public enum Measured
{
    /// <summary>What needs no model: lengths, repetition, contamination.</summary>
    Texts,
    Perplexity,
    Reward,
    Diversity,
    /// <summary>Difficulty and quality by rubrics.</summary>
    Judge,
    /// <summary>Answers of math, derived anew by a solver.</summary>
    Verification,
    /// <summary>Programs, run in the sandbox.</summary>
    Code,
}

/// <summary>Who measures what of data sets; what nobody is named for is not measured.</summary>
internal sealed record MeasurePlan
{
    public IdentifiedModel? Perplexity { get; init; }
    /// <summary>With <see cref="Perplexity"/>: the trained model, for the implicit reward.</summary>
    public IdentifiedModel? Reference { get; init; }
    public IdentifiedModel? Reward { get; init; }
    public IdentifiedModel? Embeddings { get; init; }
    public ImmutableArray<IdentifiedModel> Judges { get; init; } = [];
    public JudgeAsking Asking { get; init; }
    public IdentifiedModel? Solver { get; init; }
    /// <summary>With <see cref="Solver"/>.</summary>
    public VerificationSpec? Verification { get; init; }
    public bool RunCode { get; init; }
    /// <summary>Of the chat format in which perplexity is measured.</summary>
    public string SystemMessage { get; init; } = "";
    /// <summary>What training data must not hold; null: contamination is not measured.</summary>
    public TestSetIndex? Against { get; init; }
    public int? Sample { get; init; }

    /// <summary>One request for each metric, or group of metrics, that a data set of this domain can have; the texts themselves first.</summary>
    /// <param name="domain">Null where it is not known: no judge is asked, and neither answers nor programs are looked at.</param>
    public IEnumerable<MeasureRequest> Requests(Domain? domain)
    {
        yield return new MeasureRequest(Measured.Texts, null, this);
        if (Perplexity is not null)
            yield return new MeasureRequest(Measured.Perplexity, Perplexity, this);
        if (Reward is not null)
            yield return new MeasureRequest(Measured.Reward, Reward, this);
        if (Embeddings is not null)
            yield return new MeasureRequest(Measured.Diversity, Embeddings, this);
        if (domain is not null)
            foreach (var judge in Judges)
                yield return new MeasureRequest(Measured.Judge, judge, this);
        if (Solver is not null && domain == Domain.Math)
            yield return new MeasureRequest(Measured.Verification, Solver, this);
        if (RunCode && domain == Domain.Code)
            yield return new MeasureRequest(Measured.Code, null, this);
    }
}

/// <param name="Model">Who is asked; null where nobody is.</param>
/// <param name="Plan">Of which <paramref name="What"/> is a part.</param>
internal sealed record MeasureRequest(Measured What, IdentifiedModel? Model, MeasurePlan Plan)
{
    /// <summary>What stands in a judge's metrics' names; null where it is the only one.</summary>
    public string? JudgeName => What == Measured.Judge && Plan.Judges.Length > 1 ? Model!.Name : null;
    /// <summary>Perplexity: the trained model, for the implicit reward beside it.</summary>
    public IdentifiedModel? Reference => What == Measured.Perplexity ? Plan.Reference : null;
}
