import { Button } from "../../ui/Button";

/** Why something was refused, and how it can be typed on. */
export interface Refusal {
  reason: string;
  again?: () => void;
}

/** A refusal beside the field that it is about. */
export function Refused({ refusal, more }: { refusal: Refusal | null; more?: string }) {
  if (!refusal) return null;
  return (
    <>
      <div className="composer-reason" role="alert">
        {refusal.reason}
        {more && `, ${more}`}
      </div>
      {refusal.again && (
        <Button look="link" onClick={refusal.again}>
          Edit it again
        </Button>
      )}
    </>
  );
}
