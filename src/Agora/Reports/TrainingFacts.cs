using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Reports;

/// <summary>How the training of one student went.</summary>
/// <param name="Generator">Or the name of a data set that was brought along.</param>
/// <param name="SkippedTooLong">Rows longer than the recipe's maximum, left out.</param>
/// <param name="FirstLossNats">Mean cross-entropy of the first optimiser step.</param>
public sealed record TrainingFacts(
    string Student, string Generator, Setting Setting, long Seed, int Steps, long Tokens, long ResponseTokens, int SkippedTooLong, double FirstLossNats, double FinalLossNats)
{
    private const int MostPoints = 100;

    /// <summary>The training loss: means over stretches of steps, each at its last step; at most 100.</summary>
    public ImmutableArray<LossPoint> Losses { get; init; } = [];

    /// <summary>The loss on rows that were not trained on: before the first step and after each epoch; empty where none were held out.</summary>
    public ImmutableArray<LossPoint> HeldOut { get; init; } = [];

    /// <returns>At most 100 points, each the mean of as many steps, but for the last.</returns>
    public static ImmutableArray<LossPoint> Curve(ImmutableArray<LossPoint> losses) =>
        [.. losses.Chunk(Math.Max(1, (losses.Length + MostPoints - 1) / MostPoints)).Select(stretch => new LossPoint(stretch[^1].Step, stretch.Average(step => step.LossNats)))];
}

/// <param name="Step">Optimiser steps taken; 0 before the first.</param>
public readonly record struct LossPoint(int Step, double LossNats);
