/** Code to be read and copied. */

import { CopyIcon } from '@/ui/Copy';
import classes from './play.module.css';

/** `shown`: what stands there, where that is shorter than what is copied. */
export function CodeText({ text, label, shown = text }: { text: string; label: string; shown?: string }) {
  return (
    <div className={classes.code}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled by keys, too */}
      <section className={classes.codeText} tabIndex={0} aria-label={label}>
        <pre>
          <code>{shown}</code>
        </pre>
      </section>
      <div className={classes.codeCopy}>
        <CopyIcon value={text} />
      </div>
    </div>
  );
}
