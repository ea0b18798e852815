{{/* The name of everything in a release; the release's own, which need not repeat the chart's. */}}
{{- define "orderkeep.name" -}}
{{- if contains "orderkeep" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-orderkeep" (.Release.Name | trunc 40 | trimSuffix "-") }}{{ end -}}
{{- end }}

{{/* What selects the pods of one component: (dict "root" $ "component" "serve"). */}}
{{- define "orderkeep.selector" -}}
app.kubernetes.io/name: orderkeep
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "orderkeep.labels" -}}
{{ include "orderkeep.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "orderkeep.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What all pods have in common: nobody in particular, who may do nothing and is told of no other service. */}}
{{- define "orderkeep.pod" -}}
serviceAccountName: {{ include "orderkeep.name" . }}
automountServiceAccountToken: false
# Beside a Service called oms, variables such as OMS_PORT=tcp://... would stand in every container.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: tmp
    emptyDir: {}
  - name: urls
    secret:
      secretName: {{ .Values.secretName }}
      defaultMode: 0440
{{- end }}

{{- define "orderkeep.container" -}}
image: {{ include "orderkeep.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
envFrom:
  - configMapRef:
      name: {{ include "orderkeep.name" . }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  - name: urls
    mountPath: /run/oms
    readOnly: true
{{- end }}

{{/* URLs with passwords come as files; a hook that runs before the ConfigMap is there names them by itself. */}}
{{- define "orderkeep.urls" -}}
OMS_DATABASE_URL_FILE: /run/oms/database-url
OMS_QUEUE_URL_FILE: /run/oms/queue-url
OMS_RATE_LIMIT_URL_FILE: /run/oms/rate-limit-url
{{- end }}
