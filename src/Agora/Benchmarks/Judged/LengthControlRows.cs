namespace Agora.Benchmarks.Judged;

/// <summary>Rows of the logistic regression behind the length-controlled win rate, one array per column.</summary>
/// <param name="Length">tanh of the scaled length difference, baseline minus model.</param>
/// <param name="Difficulty">Of the instruction, precomputed.</param>
/// <param name="Model">1 in the model's rows, 0 in those that only say what length alone does.</param>
/// <param name="Target">Preference for the model, 0 to 1.</param>
/// <param name="Weight">Of the row.</param>
internal readonly record struct LengthControlRows(double[] Length, double[] Difficulty, double[] Model, double[] Target, double[] Weight)
{
    public int Count => Target.Length;

    /// <summary>The rows that are in a fold, or those that are not.</summary>
    /// <param name="folds">[row].</param>
    public LengthControlRows Of(int[] folds, int fold, bool inside)
    {
        var kept = Enumerable.Range(0, Count).Where(row => folds[row] == fold == inside).ToArray();
        double[] Column(double[] column) => Array.ConvertAll(kept, row => column[row]);
        return new LengthControlRows(Column(Length), Column(Difficulty), Column(Model), Column(Target), Column(Weight));
    }
}

/// <summary>Coefficients of length difference, difficulty and the model itself.</summary>
public readonly record struct LengthControlWeights(double Length, double Difficulty, double Model);
