;;; emacs.el --- Attaches Debian's Emacs to the language server, asks for what an editor asks for, and prints the answers as JSON. -*- lexical-binding: t -*-
(require 'package)
(package-initialize)
(require 'eglot)
(require 'json)

(define-derived-mode quant-yaml-mode prog-mode "Quant")
(add-to-list 'auto-mode-alist '("\\.quant\\.ya?ml\\'" . quant-yaml-mode))
(add-to-list 'eglot-server-programs
             (cons 'quant-yaml-mode (append (json-parse-string (getenv "QUANTSMITH_LSP") :array-type 'list) nil)))
(setq eglot-sync-connect 100
      eglot-autoshutdown nil
      eglot-send-changes-idle-time 0.05
      vc-handled-backends nil)

(defun quant-wait (seconds condition)
  "Handle what the server sends until CONDITION holds, for at most SECONDS."
  (let ((end (+ (float-time) seconds)))
    (while (and (not (funcall condition)) (< (float-time) end))
      (accept-process-output nil 0.05))
    (funcall condition)))

(defun quant-diagnostics ()
  "What eglot has told Flymake of this buffer."
  (flymake-start)
  (flymake-diagnostics))

(defun quant-ask (method line character)
  "The server's answer to METHOD at a place."
  (jsonrpc-request (eglot-current-server) method
                   (list :textDocument (eglot--TextDocumentIdentifier)
                         :position (list :line line :character character))))

(let (answers)
  (find-file "mistaken.quant.yaml")
  ;; What M-x eglot does.
  (apply #'eglot (eglot--guess-contact))
  (push (cons 'attached (if (quant-wait 100 (lambda () (quant-diagnostics))) t :json-false)) answers)
  (push (cons 'diagnostics
              (vconcat (mapcar (lambda (found)
                                 (list (cons 'message (flymake-diagnostic-text found))
                                       (cons 'line (1- (line-number-at-pos (flymake-diagnostic-beg found))))
                                       (cons 'text (buffer-substring-no-properties
                                                    (flymake-diagnostic-beg found)
                                                    (flymake-diagnostic-end found)))))
                               (flymake-diagnostics))))
        answers)
  (push (cons 'hover (plist-get (plist-get (quant-ask :textDocument/hover 6 6) :contents) :value)) answers)
  (let ((list (quant-ask :textDocument/completion 6 17)))
    (push (cons 'completion (vconcat (mapcar (lambda (item) (plist-get item :label))
                                             (if (vectorp list) list (plist-get list :items)))))
          answers))
  ;; Mending the mistake must clear the diagnostic.
  (goto-char (point-min))
  (search-forward "prset")
  (replace-match "preset")
  (eglot--signal-textDocument/didChange)
  (push (cons 'cleared (if (quant-wait 100 (lambda () (not (quant-diagnostics)))) t :json-false)) answers)
  (princ (concat (json-encode (nreverse answers)) "\n"))
  (set-buffer-modified-p nil)
  (eglot-shutdown (eglot-current-server)))
(kill-emacs 0)
