namespace Agora.Benchmarks;

/// <summary>Grades worked solutions by their final answer: found by <see cref="MathAnswer"/>, compared exactly.</summary>
internal static class MathGrading
{
    /// <summary>Raised with every change to extraction or comparison that may alter a grade.</summary>
    public const int Rules = 6;

    /// <summary>For benchmarks whose answers are numbers: compared as rationals, without tolerance.</summary>
    public static ItemGrade Number(string completion, ExactNumber reference)
    {
        if (MathAnswer.Extract(completion, AnswerPolicy.Number) is not { } answer)
            return ItemGrade.Of(null, right: false, "no final answer was found");
        return ItemGrade.Of(answer.Text, TryReadNumber(answer.Text, out var value) && value == reference, $"{answer.Mark}; reference {reference}");
    }

    /// <summary>For benchmarks whose answers are formulas.</summary>
    public static ItemGrade Expression(string completion, string reference)
    {
        if (MathAnswer.Extract(completion, AnswerPolicy.Expression) is not { } answer)
            return ItemGrade.Of(null, right: false, "no final answer was found");
        return ItemGrade.Of(answer.Text, MathEquivalence.AreEquivalent(reference, answer.Text), $"{answer.Mark}; reference {reference}");
    }

    /// <summary>The value that a marked answer states: the first number after the last equals sign, so that <c>5 + 3 = 8 apples</c> says 8.</summary>
    public static bool TryReadNumber(string text, out ExactNumber number)
    {
        var stated = text.LastIndexOf('=') is var equals and >= 0 && text.AsSpan(equals).ContainsAnyInRange('0', '9') ? text[(equals + 1)..] : text;
        if (stated.AsSpan().ContainsAny('\\', '{'))
        {
            if (MathEquivalence.TryEvaluate(stated, out number))
                return true;
            stated = stated.Replace("\\!", "", StringComparison.Ordinal).Replace("{,}", ",", StringComparison.Ordinal).Replace("\\,", "", StringComparison.Ordinal);
        }
        return WrittenNumber.TryFindFirst(stated, out number, out _);
    }
}
