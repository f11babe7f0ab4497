using System.Text.Json.Nodes;

namespace Agora.Nano.Exercises;

/// <summary>A task of the embedded benchmark with its right answer, in every form that training data and benchmarks need.</summary>
/// <remarks>Exercises are written by rule only to make seeds, corpora and benchmarks. At generation time language models write instances, never this code.</remarks>
internal abstract class Exercise
{
    /// <summary>What is asked, without the wording: names and phrases may differ where this does not. Decides the <see cref="Part"/>.</summary>
    public abstract string Structure { get; }
    /// <summary>What it is about, one of its domain's themes.</summary>
    public abstract string Theme { get; }
    public abstract string Instruction { get; }
    /// <summary>The right answer with every step shown.</summary>
    public abstract string Response { get; }
    /// <summary>The right answer without the way to it.</summary>
    public abstract string TerseResponse { get; }
    /// <summary>An answer in the right form that is wrong, in a way a careless writer would be.</summary>
    public abstract string WrongResponse(RandomStream random);
    /// <summary>The same exercise with one of the faults that quality enhancement has to mend.</summary>
    public abstract FlawedPair Flawed(RandomStream random);
    /// <summary>The exercise as a row of its benchmark's file.</summary>
    public abstract JsonObject BenchmarkRow(string id);
}

/// <summary>A pair to enhance.</summary>
/// <param name="Flaw">What is wrong with it, for the tests and for the reader.</param>
internal sealed record FlawedPair(string Instruction, string Response, Flaw Flaw);

internal enum Flaw { WrongAnswer, NoResult, NoSteps, NoFence, NoReturn, VagueInstruction, BrokenConstraint, Chatter }

/// <summary>How much of a domain a writer makes use of.</summary>
internal enum Breadth
{
    Full,
    /// <summary>A corner of the domain: few steps, few constraints, few words.</summary>
    Narrow,
}
