import { useEffect, useState } from "react";
import { Refusal } from "../../bridge";
import type { TrainComparison } from "../../payloads";
import { ask } from "../ask";

/** In what two runs differ: keys of their recipes, parts of their graphs. */
export function Differences({ one, other }: { one: string; other: string }) {
  const [found, setFound] = useState<TrainComparison | string | null>(null);
  useEffect(() => {
    let gone = false;
    setFound(null);
    ask<TrainComparison>("compare", { one, other })
      .then((reply) => !gone && setFound(reply))
      .catch((error) => {
        if (!(error instanceof Refusal)) throw error;
        if (!gone) setFound(error.message);
      });
    return () => {
      gone = true;
    };
  }, [one, other]);
  if (found === null) return <p className="train-empty">Comparing</p>;
  if (typeof found === "string") return <p className="train-trouble">{found}</p>;
  return (
    <div className="train-evaluation">
      <section>
        <h4>Recipe</h4>
        {found.recipe.length === 0 ? (
          <p className="composer-soft">Both recipes say the same.</p>
        ) : (
          <table className="train-table">
            <thead>
              <tr>
                <th>key</th>
                <th>{one}</th>
                <th>{other}</th>
              </tr>
            </thead>
            <tbody>
              {found.recipe.map((change) => (
                <tr key={change.key}>
                  <td>{change.key}</td>
                  <td>{change.one || <span className="composer-soft">not set</span>}</td>
                  <td>{change.other || <span className="composer-soft">not set</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section>
        <h4>Graph</h4>
        {found.graph.length === 0 ? (
          <p className="composer-soft">Both graphs mean the same.</p>
        ) : (
          <pre className="train-words">{found.graph.join("\n")}</pre>
        )}
      </section>
    </div>
  );
}
