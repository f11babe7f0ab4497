using System.Collections.Immutable;

namespace Agora.Benchmarks;

/// <summary>The structure of an answer: what is a list, a tuple, an interval, a matrix, a relation, words or one expression.</summary>
internal abstract record MathStatement
{
    private MathStatement() { }

    /// <summary>Several answers, without order.</summary>
    public sealed record Several(ImmutableArray<MathStatement> Parts) : MathStatement;

    /// <summary>Parts in order between brackets, whose kinds count: (0, 1) is not [0, 1). A ratio 2:3:4 is one with colons for brackets.</summary>
    /// <param name="IsInequality">Written as an inequality, so an interval for sure.</param>
    /// <param name="Choices">The number of selections where C or P stands before the brackets: C(10, 3) may be a point and may be 120.</param>
    public sealed record Bracketed(char Open, char Close, ImmutableArray<MathStatement> Parts, bool IsInequality = false, MathExpression? Choices = null) : MathStatement;

    public sealed record Union(ImmutableArray<MathStatement> Parts) : MathStatement;

    /// <summary>All real numbers but some; without parts, all of them.</summary>
    public sealed record AllBut(ImmutableArray<MathStatement> Parts) : MathStatement;

    /// <summary>A set without another one: <c>[-2, 3] \ {1}</c>.</summary>
    public sealed record Without(MathStatement Whole, MathStatement Taken) : MathStatement;

    public sealed record Matrix(ImmutableArray<ImmutableArray<MathStatement>> Rows) : MathStatement;

    /// <param name="Name">What the left side calls the right one where it does nothing else: <c>x</c>, <c>f(x)</c>, <c>(p, q)</c>, <c>A : B</c>; null for an equation.</param>
    public sealed record Equation(MathStatement Left, MathStatement Right, string? Name) : MathStatement
    {
        public bool IsName => Name is not null;
    }

    /// <summary>An inequality that is no interval: <c>y &gt; 2x + 1</c>, written with the smaller side first.</summary>
    public sealed record Order(MathStatement Smaller, MathStatement Larger, bool IsStrict) : MathStatement;

    /// <param name="Letters">The text, where it is nothing but letters: a product, or a word of two or three.</param>
    public sealed record Value(MathExpression Expression, string? Letters = null) : MathStatement
    {
        /// <summary>The number times the thousand, million … behind it; null where there is none. Of 5 million, some answer with 5.</summary>
        public MathExpression? Scaled { get; init; }
    }

    /// <param name="Text">What they answer, without spaces, brackets around the whole, and case.</param>
    /// <param name="Sentence">As written.</param>
    public sealed record Words(string Text, string Sentence = "") : MathStatement
    {
        /// <summary>How many they count ("two solutions"); null where they do not begin with a number.</summary>
        public MathExpression? Count { get; init; }

        /// <summary>Digits in a base: <c>204_5</c>.</summary>
        public bool IsNumeral { get; init; }
    }
}
