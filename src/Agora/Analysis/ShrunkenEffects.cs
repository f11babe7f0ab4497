using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>PGR as a sum of shrunken effects of domain, setting and generator, of what is known of the data set, and of an error.</summary>
internal static class ShrunkenEffects
{
    /// <param name="regressors">Of a row, with slopes that are not shrunk; NaN where it has none.</param>
    /// <param name="profile">Features that share one ridge penalty.</param>
    public static Func<int, PredictedPgr?>? Learn(FeatureTable table, int[] rows, Func<int, double[]> regressors, ImmutableArray<string> profile, double level = 95)
    {
        int[] places = [.. profile.Select(feature => table.Features.IndexOf(feature))];
        double[] Profile(int row) => [.. places.Select(place => table.Values[row][place])];
        int[] usable = [.. rows.Where(row => regressors(row).All(double.IsFinite) && Profile(row).All(double.IsFinite))];
        // An effect of generators beside the error takes two of them.
        var generators = usable.Select(row => table.Families[row]).Distinct().Count();
        if (generators < 2)
            return null;
        string[] Labels(int row) => [table.Cells[row].Setting.Domain.ToString(), table.Cells[row].Setting.ToString(), table.Cells[row].Generator];
        var model = HierarchicalModel.Fit(new HierarchicalRows(
            [.. usable.Select(row => table.Pgr[row])], [.. usable.Select(regressors)],
            [.. Enumerable.Range(0, 3).Select(effect => usable.Select(row => Labels(row)[effect]).ToImmutableArray())], [.. usable.Select(Profile)]));
        if (model is null)
            return null;
        return row =>
        {
            var (own, features) = (regressors(row), Profile(row));
            if (!own.All(double.IsFinite) || !features.All(double.IsFinite))
                return null;
            var predicted = model.Predict(own, Labels(row), features);
            var (low, high) = HierarchicalModel.Interval(predicted, generators - 1, level);
            return new PredictedPgr(predicted.Mean, low, high);
        };
    }
}
